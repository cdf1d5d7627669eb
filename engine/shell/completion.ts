/** What Tab offers: commands, paths, variables, PCI addresses, drivers. */

import { BUILTINS } from './language/builtins/index';
import type { Shell } from './language/shell';
import { PROGRAMS } from './programs/index';
import { fullAddress } from './programs/support/address';
import { lookUp } from '../hardware/lookup';

const BREAKS = /[\s;&|<>(){}`"'=]/;
const FIRST_WORDS = new Set([
  'sudo',
  'time',
  'command',
  'exec',
  'strace',
  'watch',
  'xargs',
  'then',
  'do',
  'else',
  '!',
  'env',
  'type',
  'man',
]);
const ADDRESS_COMMANDS = new Set(['vfio', 'stim', 'poke', 'driverctl', 'why', 'lspci', 'setpci']);

const WORDS: Readonly<Record<string, readonly string[]>> = {
  vfio: ['attach', 'cfg', 'detach', 'help', 'info', 'irq', 'map', 'region', 'reset', 'status', 'unmap'],
  driverctl: ['list-devices', 'list-overrides', 'load-override', 'set-override', 'unset-override'],
};

function names(shell: Shell, directory: string): string[] {
  try {
    return shell.files.list(directory);
  } catch {
    return [];
  }
}

function paths(shell: Shell, word: string): string[] {
  const slash = word.lastIndexOf('/');
  const head = word.slice(0, slash + 1);
  const expanded = head.startsWith('~/') ? (shell.variables.get('HOME') ?? '/root') + head.slice(1) : head;
  const prefix = word.slice(slash + 1);
  return names(shell, expanded === '' ? '.' : expanded)
    .filter((name) => name.startsWith(prefix) && (prefix !== '' || !name.startsWith('.')))
    .map((name) => {
      const directory = shell.files.tryStat(expanded + name)?.type === 'dir';
      return head + name.replace(/[ ()&;'"\\]/g, '\\$&') + (directory ? '/' : ' ');
    });
}

function commands(shell: Shell, word: string): string[] {
  const all = new Set([...BUILTINS.keys(), ...PROGRAMS.keys(), ...shell.functions.keys(), ...shell.aliases.keys()]);
  return [...all]
    .filter((name) => name.startsWith(word))
    .sort()
    .map((name) => `${name} `);
}

/** After the address: what can happen to the device and its parameters, or its registers. */
function deviceWords(shell: Shell, command: string, words: readonly string[]): string[] {
  const at = words.findIndex((word) => ADDRESS.test(word));
  const sheet = at < 0 ? null : (shell.system.deviceSheet?.(fullAddress(words[at]!)) ?? null);
  if (sheet === null) return [];
  if (command === 'poke') return words.length === at + 1 ? sheet.registers.map((register) => register.name) : [];
  const kind = sheet.stimuli.find((one) => one.kind === words[at + 1]);
  if (kind === undefined) return words.length === at + 1 ? sheet.stimuli.map((one) => one.kind) : [];
  const choices = kind.parameters.flatMap((one) => (one.kind === 'choice' ? one.options : []));
  return [...kind.parameters.map((one) => `${one.key}=`), ...choices.map((option) => option.value)];
}

const ADDRESS = /^(?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i;

/** Candidates for the word before the cursor. */
export function completions(shell: Shell, line: string): { candidates: string[]; word: string } {
  let start = line.length;
  while (start > 0 && !(BREAKS.test(line[start - 1]!) && line[start - 2] !== '\\')) start -= 1;
  const word = line.slice(start);
  const before = line.slice(0, start).trimEnd();
  if (word.startsWith('$') && !word.startsWith('$(')) {
    const brace = word.startsWith('${');
    const prefix = word.slice(brace ? 2 : 1);
    const found = shell.variables.names(prefix).map((name) => `${brace ? '${' : '$'}${name}${brace ? '}' : ' '}`);
    return { candidates: found, word };
  }
  const clause = before
    .split(/[;&|({`]|\$\(/)
    .at(-1)!
    .trim();
  const clauseWords = clause === '' ? [] : clause.split(/\s+/);
  const atCommand = clauseWords.length === 0 || clauseWords.every((one) => FIRST_WORDS.has(one) || /^\w+=/.test(one));
  const redirecting = /[<>]$/.test(before);
  if (atCommand && !redirecting) {
    if (word.includes('/')) return { candidates: paths(shell, word), word };
    return { candidates: commands(shell, word), word };
  }
  const command = clauseWords.find((one) => !FIRST_WORDS.has(one)) ?? '';
  const extra: string[] = [];
  if (command === 'stim' || command === 'poke') extra.push(...deviceWords(shell, command, clauseWords));
  if (!redirecting && !word.includes('/')) {
    if (clauseWords.length === 1) extra.push(...(lookUp(WORDS, command) ?? []));
    if (ADDRESS_COMMANDS.has(command) || /^[0-9a-f]{4}:/i.test(word))
      extra.push(...names(shell, '/sys/bus/pci/devices'));
    if (command === 'driverctl' || /driver_override|\/(un)?bind|new_id/.test(line))
      extra.push(...names(shell, '/sys/bus/pci/drivers'));
    if (command === 'modprobe' || command === 'rmmod' || command === 'modinfo')
      extra.push(...names(shell, '/sys/module'), 'vfio-pci', 'vfio');
  }
  const short = /^[0-9a-f]{2}:/i.test(word)
    ? extra.filter((name) => name.slice(5).startsWith(word)).map((name) => name.slice(5))
    : [];
  const matching = extra.filter((name) => name.startsWith(word));
  const offered = [...matching, ...short].map((name) => (name.endsWith('=') ? name : `${name} `));
  const found = word === '' && offered.length > 0 ? offered : [...offered, ...paths(shell, word)];
  return { candidates: [...new Set(found)].sort(), word };
}
