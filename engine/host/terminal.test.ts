import { afterEach, describe, expect, it } from 'vitest';
import { memorySpace } from '../shell/fixtures/memory-space';
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
  const space = memorySpace().file('/tmp/alpha.txt', 'inside\n').directory('/sys/bus/pci/devices/0000:01:00.0');
  terminal = openTerminal(space, {
    columns: 80,
    rows: 24,
    onData: (data) => (output += typeof data === 'string' ? data : new TextDecoder().decode(data)),
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
    expect(exited).toBe(0);
  });
});
