import { afterEach, describe, expect, it } from 'vitest';
import { MachineBuilder } from '../hardware/parts/fixture';
import { LabUserSpace } from '../lab/user-space';
import { memorySpace } from '../shell/fixtures/memory-space';
import { doorTo } from './shell';
import { openTerminal } from './terminal';
import type { Terminal } from './terminal';

let terminal: Terminal | null = null;
let output = '';
let exited: number | null = null;

const until = async (what: string | RegExp, from = 0): Promise<void> => {
  for (let waited = 0; waited < 3000; waited += 5) {
    const text = output.slice(from);
    if (typeof what === 'string' ? text.includes(what) : what.test(text)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never saw ${String(what)} in ${JSON.stringify(output.slice(from))}`);
};

async function start(): Promise<void> {
  output = '';
  exited = null;
  const space = memorySpace()
    .file('/tmp/alpha.txt', 'inside\n')
    .directory('/sys/bus/pci/devices/0000:01:00.0')
    .directory('/home/user');
  space.file('/etc/passwd', 'root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000:user:/home/user:/bin/bash\n');
  terminal = openTerminal(space, {
    columns: 80,
    rows: 24,
    onData: (data) => void (output += data),
    onExit: (status) => (exited = status),
  });
  await until('root@lab:~# ');
}

/** Types a text and waits for what it brings. */
async function type(text: string, expected: string | RegExp): Promise<void> {
  const from = output.length;
  terminal!.write(text);
  await until(expected, from);
}

afterEach(() => terminal?.close());

it('takes no signals any more once its screen is gone: they end its process in the machine', async () => {
  const { description } = new MachineBuilder();
  const door = doorTo(description);
  const root = (pid: number): LabUserSpace =>
    new LabUserSpace(door, { pid, parent: null, name: 'bash', uid: 0, command: { current: { label: 'test' } } });
  const first = openTerminal(root(5000), {
    columns: 80,
    rows: 24,
    onData: (data) => void (output += data),
    onExit: () => undefined,
  });
  first.write('echo x > /tmp/x\r');
  for (let waited = 0; waited < 3000 && !door.exists(5000); waited += 5) await new Promise((go) => setTimeout(go, 5));
  expect(door.exists(5000)).toBe(true);
  first.close();
  expect(root(5001).kill(5000, 9)).toBeNull();
  expect(door.exists(5000)).toBe(false);
});

describe('a terminal', () => {
  it('completes paths and PCI addresses', async () => {
    await start();
    await type('cat /tmp/al\t', '/tmp/alpha.txt');
    await type('\r', /inside[\s\S]*root@lab/);
    await type('stim 01:\t', '01:00.0');
  });

  it('continues an unfinished command with PS2', async () => {
    await start();
    await type('for i in 1 2\r', '> ');
    await type('do echo "<$i>"; done\r', /<1>\r\n<2>/);
  });

  it.each(['while :; do :; done', 'yes', 'yes | cat > /dev/null', 'for ((;;)); do echo x; done > /dev/null', 'cat'])(
    'ends `%s` with Ctrl-C, and takes the next line',
    async (line) => {
      await start();
      terminal!.write(`${line}\r`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await type('\x03', '^C');
      await type('echo status $?\r', /status 130\r\n[\s\S]*root@lab/);
    },
  );

  it('ends a program with Ctrl-C', async () => {
    await start();
    terminal!.write('sleep 100\r');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await type('\x03', /\^C[\s\S]*root@lab/);
    await type('echo $?\r', '130');
  });

  it('stops a program with Ctrl-Z and ends it by kill', async () => {
    await start();
    terminal!.write('sleep 100\r');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await type('\x1a', /\[1\]\+ {2}Stopped {17}sleep 100/);
    await type('kill %1\r', 'root@lab');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await type('\r', 'Terminated');
  });

  it('finds earlier lines with Ctrl-R and leaves with Ctrl-D', async () => {
    await start();
    await type('echo first\r', /first\r\n[\s\S]*root@lab/);
    await type('\x12fir', '(reverse-i-search)`fir');
    await type('\r', /first\r\n[\s\S]*root@lab/);
    terminal!.write('\x04');
    await until('exit');
    await expect.poll(() => exited).toBe(0);
  });

  it('starts shells in the shell, as the same user and as another, and comes back', async () => {
    await start();
    await type('x=1; bash\r', 'root@lab');
    await type('echo "<$x>" $SHLVL\r', /<> 2\r\n[\s\S]*root@lab/);
    await type('exit 7\r', /exit\r\n[\s\S]*root@lab/);
    await type('echo $? $x\r', /7 1\r\n/);
    await type('su user\r', 'user@lab:~$ '.replace('~', '/root'));
    await type('id -un; cd; pwd\r', /user\r\n\/home\/user/);
    await type('sudo -i\r', 'root@lab:~# ');
    await type('\x04', 'user@lab');
    await type('\x04', 'root@lab:~# ');
    await type('sudo -u user bash -c "id -un"\r', /user\r\n[\s\S]*root@lab/);
  });

  it('gives the prompt its own files and variables when a job is stopped in a redirection', async () => {
    await start();
    terminal!.write('f() { local y=1; while :; do echo $y; sleep 0.05; done > /tmp/out; }; f\r');
    await new Promise((resolve) => setTimeout(resolve, 80));
    await type('\x1a', 'Stopped');
    await type('echo "[$y]"\r', /\[\]\r\n[\s\S]*root@lab/);
    await type('bg\r', '[1]+ ');
    await type('jobs\r', 'Running');
    await type('kill %1; wait; cat /tmp/out | head -1\r', /1\r\n[\s\S]*Terminated/);
  });

  it('takes the last word with Alt-., an earlier line by its beginning, and a pasted block line by line', async () => {
    await start();
    await type('echo one two\r', /one two\r\n[\s\S]*root@lab/);
    await type('echo three\r', /three\r\n[\s\S]*root@lab/);
    await type('printf "<%s>" \x1b.\x1b.\r', /<two>/);
    await type('!echo:0 again\r', /again\r\n[\s\S]*root@lab/);
    await type('\x1b[200~for i in a b\rdo echo "+$i+"\rdone\r\x1b[201~', /\+a\+\r\n\+b\+/);
  });

  it('expands the prompt, reads .bashrc, and keeps the size in COLUMNS and LINES', async () => {
    output = '';
    const space = memorySpace().file('/root/.bashrc', "PS1='<$(echo $((1+1)))\\w>'; alias hi='echo hello'\n");
    terminal = openTerminal(space, {
      columns: 90,
      rows: 20,
      onData: (data) => void (output += data),
      onExit: () => {},
    });
    await until('<2~>');
    await type('hi; echo $COLUMNS $LINES\r', /hello\r\n90 20/);
    terminal.resize(100, 30);
    await type('echo $COLUMNS $LINES\r', '100 30');
  });

  it('tells a person of stopped jobs once before it leaves', async () => {
    await start();
    terminal!.write('sleep 100\r');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await type('\x1a', 'Stopped');
    await type('\x04', /There are stopped jobs\.[\s\S]*root@lab/);
    terminal!.write('\x04');
    await expect.poll(() => exited).not.toBe(null);
  });
});
