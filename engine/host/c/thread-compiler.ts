/** The compiler's thread: clang as WebAssembly, with the lab's headers and library among its files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort } from 'node:worker_threads';
import type { CompilerAnswer, CompilerOrder, ThreadRole } from './messages';

interface Tree {
  [name: string]: Tree | string | Uint8Array;
}

interface Clang {
  runClang(
    args: string[],
    files: Tree,
    options: {
      stdout: (bytes: Uint8Array | null) => void;
      stderr: (bytes: Uint8Array | null) => void;
      fetchProgress: () => void;
      decodeASCII: boolean;
    },
  ): Promise<Tree>;
  Exit: new (...args: never[]) => Error & { code: number; files: Tree };
}

/** The compiler's own memory ends here, in pages of 64 KiB: 1 GiB. A source that wants more is refused. */
const MOST_PAGES = 16384;
/** What it may print. */
const MOST_OUTPUT = 1 << 20;

/**
 * Modules are changed before they are compiled: the limit of their memory is taken down. The number keeps its length,
 * so nothing else moves.
 */
function limitMemory(bytes: Uint8Array): void {
  let at = 8;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const id = bytes[at++];
    const size = number();
    const end = at + size;
    if (id === 5 && number() === 1 && bytes[at++] === 1) {
      number();
      const most = at;
      if (number() > MOST_PAGES && at - most === 3) {
        bytes.set([(MOST_PAGES & 0x7f) | 0x80, ((MOST_PAGES >> 7) & 0x7f) | 0x80, MOST_PAGES >> 14], most);
      }
    }
    at = end;
  }
}

function readTree(folder: string): Tree {
  const out: Tree = {};
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    out[entry.name] = entry.isDirectory() ? readTree(path) : new Uint8Array(readFileSync(path));
  }
  return out;
}

/** Steps of a path as the compiler's file system walks it: it knows no `..` and passes over it. */
const stepsOf = (path: string): string[] =>
  path.split('/').filter((step) => step !== '' && step !== '.' && step !== '..');

function put(tree: Tree, path: string, bytes: Uint8Array): void {
  const steps = stepsOf(path);
  const name = steps.pop();
  if (name === undefined) return;
  let at = tree;
  for (const step of steps) {
    const next = at[step];
    if (typeof next === 'object' && !(next instanceof Uint8Array)) at = next;
    else at = at[step] = {};
  }
  at[name] = bytes;
}

function get(tree: Tree, path: string): Uint8Array | null {
  let at: Tree | string | Uint8Array | undefined = tree;
  for (const step of stepsOf(path)) {
    if (typeof at !== 'object' || at instanceof Uint8Array) return null;
    at = at[step];
  }
  return at instanceof Uint8Array ? at : null;
}

/** Keeps what is written, up to a limit. */
class Output {
  private readonly parts: Uint8Array[] = [];
  private size = 0;

  readonly take = (bytes: Uint8Array | null): void => {
    if (bytes === null || this.size > MOST_OUTPUT) return;
    this.parts.push(bytes.slice());
    this.size += bytes.length;
  };

  get bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.parts));
  }
}

export function serveCompiler({ compiler, library, headers }: ThreadRole & { role: 'compiler' }): void {
  WebAssembly.compileStreaming = async (source) => {
    const bytes = new Uint8Array(await (await source).arrayBuffer());
    limitMemory(bytes);
    return WebAssembly.compile(bytes);
  };
  // It tells of its own loading there.
  console.log = () => undefined;
  const clang = import(pathToFileURL(compiler).href) as Promise<Clang>;
  const own: Tree = { include: readTree(headers), lib: { 'liblab.a': new Uint8Array(readFileSync(library)) } };

  const run = async ({ id, args, files, outputs }: CompilerOrder): Promise<CompilerAnswer> => {
    const { runClang, Exit } = await clang;
    const tree: Tree = { lab: own };
    for (const [path, bytes] of files) put(tree, path, bytes);
    const stdout = new Output();
    const stderr = new Output();
    let after: Tree;
    let status = 0;
    try {
      after = await runClang(['clang', ...args], tree, {
        stdout: stdout.take,
        stderr: stderr.take,
        fetchProgress: () => undefined,
        decodeASCII: false,
      });
    } catch (error) {
      if (!(error instanceof Exit)) throw error;
      status = error.code;
      after = error.files;
    }
    const written = outputs.flatMap((path): [string, Uint8Array][] => {
      const bytes = get(after, path);
      return bytes === null ? [] : [[path, bytes]];
    });
    return { id, status, stdout: stdout.bytes, stderr: stderr.bytes, files: written };
  };

  // One after the other: the compiler is one program.
  let before: Promise<unknown> = Promise.resolve();
  parentPort!.on('message', (order: CompilerOrder) => {
    before = before
      .then(() => run(order))
      .catch((error: unknown): CompilerAnswer => {
        return { id: order.id, failed: error instanceof Error ? error.message : String(error) };
      })
      .then((answer) => parentPort!.postMessage(answer));
  });
}
