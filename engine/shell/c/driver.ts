/** `cc` as people use it: from the words of a command line to a job of the compiler. */
import flags from './flags.json';
import type { CompileJob } from './host';

/** The lab's files as the driver needs them: null where there is no regular file. */
export interface SourceFiles {
  read(path: string): Uint8Array | null;
}

export type Output =
  | { readonly kind: 'program' | 'object'; readonly path: string; readonly from: string }
  /** What the compiler prints is the result. */
  | { readonly kind: 'text'; readonly path: string | null };

export interface Plan {
  readonly job: CompileJob;
  readonly outputs: readonly Output[];
}

/** The command line makes no sense; the message is what clang says. */
export class DriverError extends Error {}

/** Words with a value behind them. */
const WITH_VALUE: ReadonlySet<string> = new Set([
  ...['-I', '-D', '-U', '-include', '-isystem', '-iquote', '-idirafter', '-Xclang', '-mllvm', '-Xlinker', '-L'],
]);
/** Words that say nothing to this compiler: there is one kind of program. */
const WITHOUT_EFFECT =
  /^(-g.*|-pipe|-pthread|-static|-shared-libgcc|-no-pie|-pie|-fPIC|-fpic|-fPIE|-fpie|-m64|-march=.*|-mtune=.*|-L.*|-rdynamic)$/;
/** Libraries that are always there. */
const LIBRARIES: ReadonlySet<string> = new Set(['c', 'm', 'pthread', 'rt', 'dl']);

const PLACE = '/lab/out';
const LIBRARY = '/lab/lib/liblab.a';

/**
 * C as the compilers of the distributions of today have it: what newer clang takes for an error is a warning. A program
 * is one for Linux, and what it does with a null pointer is what it says, since it shall fault.
 */
const DIALECT = [
  '-fno-delete-null-pointer-checks',
  ...['int-conversion', 'implicit-function-declaration', 'implicit-int', 'incompatible-function-pointer-types'].map(
    (name) => `-Wno-error=${name}`,
  ),
  ...['-D__linux__=1', '-D__unix__=1', '-D__gnu_linux__=1'],
];

interface Words {
  readonly sources: string[];
  readonly objects: string[];
  readonly flags: string[];
  /** Folders of -I and its like, as written. */
  readonly folders: string[];
  readonly included: string[];
  output: string | null;
  mode: 'link' | 'object' | 'text';
}

function readWords(args: readonly string[]): Words {
  const words: Words = { sources: [], objects: [], flags: [], folders: [], included: [], output: null, mode: 'link' };
  let language: string | null = null;
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    const value = (): string => {
      const next = args[++i];
      if (next === undefined) throw new DriverError(`argument to '${word}' is missing (expected 1 value)`);
      return next;
    };
    if (word === '-o') words.output = value();
    else if (word.startsWith('-o') && word.length > 2) words.output = word.slice(2);
    else if (word === '-c') words.mode = 'object';
    else if (word === '-E' || word === '-fsyntax-only' || word === '--version') {
      words.mode = 'text';
      words.flags.push(word);
    } else if (word === '-S')
      throw new DriverError('-S is not supported: the lab compiles to WebAssembly, not to x86-64');
    else if (word === '-shared') throw new DriverError('-shared is not supported: the lab has no shared libraries');
    else if (word === '-x') language = value();
    else if (word === '-l' || word.startsWith('-l')) {
      const name = word === '-l' ? value() : word.slice(2);
      if (!LIBRARIES.has(name)) throw new DriverError(`unable to find library -l${name}`);
    } else if (WITH_VALUE.has(word)) {
      const next = value();
      if (word === '-L') continue;
      words.flags.push(word, next);
      if (word === '-include') words.included.push(next);
      if (['-I', '-isystem', '-iquote', '-idirafter'].includes(word)) words.folders.push(next);
    } else if (word.startsWith('-I')) {
      words.flags.push(word);
      words.folders.push(word.slice(2));
    } else if (WITHOUT_EFFECT.test(word)) continue;
    else if (word === '-') throw new DriverError('a source from standard input is not supported; write it into a file');
    else if (word.startsWith('-')) words.flags.push(word);
    else if (/\.(o|a)$/.test(word)) words.objects.push(word);
    else if (/\.[ci]$/.test(word) || language === 'c') words.sources.push(word);
    else if (/\.(cc|cpp|cxx|C|S|s)$/.test(word)) throw new DriverError(`${word}: only C sources are supported`);
    else words.objects.push(word);
  }
  return words;
}

// ---- what a source includes

const INCLUDE = /^[ \t]*#[ \t]*(?:include|include_next|embed)[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)/gm;
const MOST_FILES = 500;
const MOST_BYTES = 16 * 1024 * 1024;
const decoder = new TextDecoder();

const join = (folder: string, name: string): string =>
  name.startsWith('/') || folder === '' ? name : `${folder}/${name}`;
const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) || '/' : '');

/**
 * The files that sources may include, whatever their conditions say: the compiler sees nothing else of the lab. Headers
 * of the system are its own.
 */
class Gathering {
  readonly files = new Map<string, Uint8Array>();
  private readonly from: SourceFiles;
  private readonly folders: readonly string[];
  private bytes = 0;

  constructor(from: SourceFiles, folders: readonly string[]) {
    this.from = from;
    this.folders = folders;
  }

  /** False when there is no such file. */
  add(path: string, source: boolean): boolean {
    if (this.files.has(path)) return true;
    const content = this.from.read(path);
    if (content === null) return false;
    this.bytes += content.length;
    if (this.files.size >= MOST_FILES || this.bytes > MOST_BYTES) {
      throw new DriverError(`${path}: more than ${MOST_FILES} files or 16 MiB are included`);
    }
    this.files.set(path, content);
    if (source) this.follow(path, decoder.decode(content));
    return true;
  }

  private follow(path: string, text: string): void {
    for (const [, quoted, angled] of text.matchAll(INCLUDE)) {
      const name = quoted ?? angled!;
      const folders = quoted === undefined ? this.folders : [folderOf(path), ...this.folders];
      for (const folder of folders) if (this.add(join(folder, name), true)) break;
    }
  }
}

const stem = (path: string): string => path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]+$/, '');

/** Throws DriverError. `colour`: diagnostics go to a terminal of so many columns; 0: elsewhere. */
export function planCompilation(args: readonly string[], from: SourceFiles, colour: number): Plan {
  const words = readWords(args);
  const { sources, objects, mode } = words;
  const gathering = new Gathering(from, words.folders);
  const version = words.flags.includes('--version');
  if (sources.length + objects.length === 0 && !version) throw new DriverError('no input files');
  for (const path of [...sources, ...words.included]) {
    if (!gathering.add(path, true)) throw new DriverError(`no such file or directory: '${path}'`);
  }
  for (const path of objects) {
    if (!gathering.add(path, false)) throw new DriverError(`no such file or directory: '${path}'`);
  }
  if (mode === 'object' && words.output !== null && sources.length > 1) {
    throw new DriverError('cannot specify -o when generating multiple output files');
  }
  const outputs = outputsOf(words);
  const shown = colour > 0 ? ['-fcolor-diagnostics', `-fmessage-length=${colour}`] : [];
  const common = [...flags.headers, ...DIALECT, ...flags.access, ...shown, ...words.flags];
  const inputs = sources.flatMap((path) => (/\.[ci]$/.test(path) ? [path] : ['-x', 'c', path, '-x', 'none']));
  const job: CompileJob = {
    args:
      mode === 'link'
        ? [...common, ...inputs, ...objects, ...flags.link, LIBRARY, '-o', `${PLACE}/program`]
        : mode === 'object'
          ? [...common, '-c', ...inputs, ...(outputs.length === 1 ? ['-o', `${PLACE}/object`] : [])]
          : [...common, ...inputs],
    files: gathering.files,
    outputs: outputs.flatMap((output) => ('from' in output ? [output.from] : [])),
  };
  return { job, outputs };
}

function outputsOf({ sources, output, mode }: Words): Output[] {
  if (mode === 'text') return [{ kind: 'text', path: output }];
  if (mode === 'link') return [{ kind: 'program', path: output ?? 'a.out', from: `${PLACE}/program` }];
  return sources.map((source) => ({
    kind: 'object',
    path: output ?? `${stem(source)}.o`,
    from: sources.length === 1 ? `${PLACE}/object` : `${stem(source)}.o`,
  }));
}

/** What the compiler says, in the words of the command that was typed and of the file system that the lab shows. */
export function shownText(text: string, name: string): string {
  return text
    .replace(/^(\x1b\[[\d;]*m)*clang: /gm, (_, colour: string | undefined) => `${colour ?? ''}${name}: `)
    .replaceAll('/lab/include/', '/usr/include/')
    .replaceAll('/usr/include/wasm32-wasip1/', '/usr/include/')
    .replaceAll(`${PLACE}/`, '/tmp/');
}
