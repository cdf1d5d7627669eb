/** Scripts that would take all memory, all time or both: each ends by itself or by a signal, and others get their turn. */
import { expect, it } from 'vitest';
import { MachineBuilder } from '../hardware/parts/fixture';
import { runScript } from '../shell/session';
import { NULL_READER } from '../shell/streams';
import type { ByteWriter } from '../shell/streams';
import { doorTo, rootShell } from './shell';

const { description } = new MachineBuilder();
/** Turns of others after which the script is killed. */
const TURNS = 60;
const KILL = 9;
const KILLED = 128 + KILL;

async function run(source: string): Promise<{ status: number; said: string }> {
  const door = doorTo(description);
  const stop = new AbortController();
  let turns = 0;
  let said = '';
  let printed = 0;
  const turn = (): Promise<void> => {
    if (++turns === TURNS) stop.abort(KILL);
    return door.breathe();
  };
  const writer: ByteWriter = {
    write: (bytes) => {
      printed += bytes.length;
      if (printed > 1_000_000) stop.abort(KILL);
      if (said.length < 1000) said += new TextDecoder().decode(bytes.subarray(0, 1000));
      return Promise.resolve();
    },
    close: () => undefined,
  };
  const system = rootShell({ ...door, breathe: turn, delay: turn }, 'bounds');
  const status = await runScript(system, source, {
    stdin: NULL_READER,
    stdout: writer,
    stderr: writer,
    signal: stop.signal,
  });
  return { status, said };
}

it.each([
  ['echo {1..1000000000}', 1, 'brace expansion: failed to allocate memory for 1000000000 elements'],
  [`echo ${'{a,b}'.repeat(40)}`, 1, 'brace expansion: failed to allocate memory'],
  ['x=aaaaaaaa; while :; do x=$x$x; done', 2, 'cannot allocate memory'],
  ["printf '%1000000000d' 5", 2, 'cannot allocate memory'],
  ["printf '%.1000000000f' 5", 2, 'cannot allocate memory'],
  ['dd if=/dev/zero bs=4G count=1', 1, 'memory exhausted by input buffer'],
  ['f() { f; }; f', 1, 'maximum function nesting level exceeded'],
  ['awk \'BEGIN{s="a";while(1)s=s s}\'', 1, ''],
  ['eval "$(printf \'{ %.0s\' {1..20000})"', 1, ''],
])('%s ends with a message', async (source, status, message) => {
  const { status: ended, said } = await run(source);
  expect(said).toContain(message);
  expect(said).not.toContain('internal error');
  expect(ended).toBe(status);
});

it.each([
  'while :; do :; done',
  'for ((;;)); do ((i++)); done',
  'yes',
  'seq 1 1000000000',
  "echo x | sed ':a;ba'",
  "echo x | sed ':a;s/^/x/;ba'",
  "awk 'BEGIN{while(1);}'",
  'wc < /dev/zero',
  'xxd /dev/zero',
  'cat /dev/zero > /dev/null',
  'while :; do a+=(1 2 3); done',
  'sleep 1000000 & wait; while :; do sleep 100000; done',
])('%s can be killed', async (source) => {
  expect((await run(source)).status).toBe(KILLED);
});

const LONG = 'a'.repeat(40);
it.each([
  [`echo ${LONG} | grep -cE '(a+)+$b'`, '0'],
  [`[[ ${LONG}b =~ ^(a+)+$ ]]; echo $?`, '1'],
  [`echo ${LONG}b | sed -E 's/^(a|a)*$/x/'`, `${LONG}b`],
  [`echo ${LONG}b | awk '/^(a|aa)+$/{print "yes"}'; echo end`, 'end'],
  [`case ${LONG}b in *a*a*a*a*a*a*a*a*a*a*a*a*c) echo yes ;; *) echo no ;; esac`, 'no'],
  [`shopt -s extglob; x=${LONG}b; [[ $x == +(a|+(a)) ]]; echo $?`, '1'],
])('%s does not look at every way there is', async (source, answer) => {
  expect((await run(source)).said.trim()).toBe(answer);
});
