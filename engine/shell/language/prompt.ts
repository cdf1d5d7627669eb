/** Prompts: backslash escapes, then the expansions of a double-quoted text. */
import { formatTime } from '../time';
import { expandText } from './expand';
import { Parser } from './parser';
import type { Shell } from './shell';

const FORMATS: Readonly<Record<string, string>> = {
  d: '%a %b %d',
  t: '%H:%M:%S',
  T: '%I:%M:%S',
  '@': '%I:%M %p',
  A: '%H:%M',
};

function escapes(shell: Shell): Record<string, string> {
  const { variables, cwd } = shell;
  const home = variables.get('HOME') ?? '';
  const inHome = home !== '' && home !== '/' && (cwd === home || cwd.startsWith(`${home}/`));
  const short = inHome ? `~${cwd.slice(home.length)}` : cwd;
  const host = variables.get('HOSTNAME') ?? 'lab';
  return {
    u: variables.get('USER') ?? 'root',
    h: host.split('.')[0]!,
    H: host,
    w: short,
    W: cwd === home ? '~' : cwd.split('/').at(-1) || '/',
    $: variables.get('EUID') === '0' ? '#' : '$',
    n: '\n',
    r: '\r',
    a: '\x07',
    e: '\x1b',
    s: 'bash',
    v: '5.2',
    V: '5.2.15',
    l: 'pts/0',
    '\\': '\\',
    '[': '',
    ']': '',
    '!': String((shell.host.history?.length ?? 0) + 1),
    '#': String((shell.host.history?.length ?? 0) + 1),
    j: String(shell.jobs.length),
  };
}

/** The prompt that PS1 or PS2 asks for; a text that cannot be expanded stands as it is. */
export async function expandPrompt(shell: Shell, text: string): Promise<string> {
  const known = escapes(shell);
  const now = shell.system.now?.().realtime ?? 0;
  // What an escape gives is not expanded any further.
  const kept: string[] = [];
  const keep = (value: string): string => {
    kept.push(value);
    return `\u{f0000}${kept.length - 1}\u{f0001}`;
  };
  const decoded = text.replace(
    /\\(?:([0-7]{3})|D\{([^}]*)\}|([\s\S]))/g,
    (all, octal?: string, format?: string, c?: string) => {
      if (octal !== undefined) return keep(String.fromCharCode(parseInt(octal, 8)));
      if (format !== undefined) return keep(formatTime(format || '%H:%M:%S', now));
      if (FORMATS[c!] !== undefined) return keep(formatTime(FORMATS[c!]!, now));
      return known[c!] === undefined ? all : keep(known[c!]!);
    },
  );
  let shown = decoded;
  if (shell.isSet('promptvars') && /[$`\\]/.test(decoded)) {
    const { status } = shell;
    try {
      shown = await expandText(shell, new Parser(decoded).wholeDouble());
    } catch {
      shown = decoded;
    }
    shell.status = status;
  }
  return shown.replace(/\u{f0000}(\d+)\u{f0001}/gu, (_, at: string) => kept[Number(at)]!);
}
