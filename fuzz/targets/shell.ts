/** What is typed or pasted into the terminal: the language, and the programs that it starts. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { doorTo, rootShell } from '../../engine/host/shell';
import { MachineBuilder } from '../../engine/hardware/parts/fixture';
import { runScript } from '../../engine/shell/session';
import { NULL_READER } from '../../engine/shell/streams';
import type { ByteWriter } from '../../engine/shell/streams';
import { bytes, text } from '../lib/mutate';
import type { Target } from '../lib/target';
import { bytesOf, must, textOf } from '../lib/target';

const WORDS = [
  ...[
    '$',
    '${',
    '}',
    '$(',
    ')',
    '$((',
    '))',
    '`',
    '"',
    "'",
    '\\',
    '|',
    '||',
    '&&',
    '&',
    ';',
    ';;',
    '<',
    '>',
    '>>',
    '<<E',
    '<<<',
  ],
  ...[
    '{',
    '(',
    '[[',
    ']]',
    '[',
    ']',
    '!',
    '#',
    '~',
    '*',
    '?',
    '@',
    'if',
    'then',
    'fi',
    'for x in',
    'do',
    'done',
    'while',
    'case',
  ],
  ...[
    'esac',
    'in',
    'function f',
    'f()',
    'time',
    'coproc',
    'local',
    'declare -A a',
    'readonly',
    'trap',
    'eval',
    'exec',
    'set -e',
  ],
  ...[
    '{1..9}',
    '{a,b}',
    '${x//a/b}',
    '${x:-y}',
    '${!x}',
    '${x@Q}',
    '${#x}',
    '$!',
    '$?',
    '$$',
    '$RANDOM',
    '=~',
    '==',
    '-lt',
    '**',
  ],
  ...[
    '2>&1',
    '/dev/null',
    '/proc/self/status',
    '/sys/bus/pci/devices',
    'x=1',
    '((x++))',
    'printf %s',
    'read -r x',
    'wait',
    'kill',
  ],
];

const PROGRAMS = [
  ...[
    'lspci -vvv',
    'lspci -t',
    'lspci -xxxx',
    'lspci -nn -s 01:00.0',
    'setpci -s 01:00.0 COMMAND=6:6',
    'dmesg | tail -n 5',
  ],
  ...[
    "echo abc | sed 's/a\\(b\\)c/\\1x/g;p;d'",
    "sed -n '1,/x/{=;p}' /proc/cpuinfo",
    'seq 5 | awk \'{s+=$1} END {printf "%d %s\\n", s, s/3}\'',
  ],
  ...[
    'awk \'BEGIN{while(i<5){a[i]=i++};for(k in a)print k, substr("hello",k), gsub(/l/,"L",k)}\'',
    'ls -la /sys/kernel/iommu_groups',
  ],
  ...[
    'find /sys/bus/pci/devices -name "*01*" -exec readlink {} \\;',
    'find / -maxdepth 2 -type d | sort -r | head -3',
    'cat /proc/interrupts',
  ],
  ...[
    "grep -rnE '0x(8086|1234)' /sys/devices --include=vendor",
    'seq 20 | paste - - | cut -f2 | tr 0-9 a-j | rev',
    'xxd /sys/bus/pci/devices/*/config | head',
  ],
  ...[
    'od -A x -t x1 -N 64 /sys/devices/pci0000:00/0000:00:00.0/config',
    'printf "%08x %5.2f %q %b\\n" 255 3.14159 "a b" "\\t"',
    'date +%s; uname -a; id',
  ],
  ...[
    'why group 1; why 0000:01:00.0',
    'vfio --help; vfio list',
    'strace -f true',
    'stim 0000:01:00.0 list',
    'driverctl list-devices',
    'modprobe vfio-pci ids=8086:10d3',
  ],
  ...[
    'echo 0000:01:00.0 > /sys/bus/pci/devices/0000:01:00.0/driver/unbind',
    'dd if=/dev/zero bs=16 count=2 | od',
    'seq 9 | xargs -n 2 echo',
    'head -c 20 /dev/urandom | wc -c',
  ],
  ...[
    'sort -t: -k2,2n /etc/passwd | uniq -c',
    'stat -c %s /proc/self/maps',
    'tee /tmp/a < /etc/passwd | wc',
    'watch -n 1 -g cat /proc/uptime',
    'man lspci',
    'basename /a/b.c .c',
  ],
];

const machine = new MachineBuilder();
machine.behindPort('e1000e');
machine.behindPort('edu');
const description = machine.description;

/** Turns that a script gets before it is killed, and bytes that it may print. */
const TURNS = 400;
const PRINTED = 256 * 1024;
const KILL = 9;

class TooMuch extends Error {}

/** Runs a script to its end or for its turns; then it must be dead and have given everything back. */
async function runs(input: Uint8Array): Promise<void> {
  const door = doorTo(description);
  const stop = new AbortController();
  let turns = 0;
  let printed = 0;
  let internal = false;
  const turn = (): void => {
    if (++turns === TURNS) stop.abort(KILL);
    if (turns > 20 * TURNS) throw new TooMuch('goes on after it was killed');
  };
  const bounded = {
    ...door,
    breathe: () => (turn(), door.breathe()),
    delay: (): Promise<void> => (turn(), door.breathe()),
    programs: undefined,
  };
  const writer: ByteWriter = {
    write: (data) => {
      printed += data.length;
      internal ||= textOf(data).includes('internal error:');
      if (printed > PRINTED) stop.abort(KILL);
      if (printed > 64 * PRINTED) throw new TooMuch('prints on after it was killed');
      return Promise.resolve();
    },
    close: () => undefined,
  };
  const { programs: _, ...withoutPrograms } = bounded;
  const system = rootShell(withoutPrograms, 'fuzz');
  const status = await runScript(system, textOf(input), {
    stdin: NULL_READER,
    stdout: writer,
    stderr: writer,
    signal: stop.signal,
  });
  must(!internal, 'the shell met a fault of its own');
  must(Number.isInteger(status) && status >= 0 && status <= 255, `the status is ${status}`);
}

interface Snippet {
  source: string;
}

export const shell: Target = {
  name: 'shell',
  reaches: ['engine/shell/language/'],
  seeds: () => {
    const written = JSON.parse(readFileSync('engine/shell/language/snippets.json', 'utf8')) as Snippet[];
    const generated = JSON.parse(
      gunzipSync(readFileSync('engine/shell/language/generated.json.gz')).toString(),
    ) as Snippet[];
    return [...written, ...generated].filter((_, i) => i % 30 === 0).map(({ source }) => bytesOf(source));
  },
  mutations: [text(WORDS), text(WORDS), text(WORDS), bytes],
  run: runs,
  briefly: 150,
};

export const programs: Target = {
  name: 'programs',
  reaches: ['engine/shell/programs/', 'engine/shell/files.ts'],
  seeds: () => PROGRAMS.map(bytesOf),
  mutations: [text([...WORDS, ...PROGRAMS, '-n', '-i', '--help', '-9', '--', '%s', '/x/', 's/a/b/']), bytes],
  run: runs,
  briefly: 100,
};
