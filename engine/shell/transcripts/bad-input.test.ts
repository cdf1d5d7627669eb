/** Bad input: messages and statuses as on Linux, and the shell goes on. */
import { describe, expect, it } from 'vitest';
import { sampleMachine } from '../../host/samples';
import { doorTo, rootShell } from '../../host/shell';
import { runScript } from '../session';
import { BytesWriter } from '../streams';

async function run(source: string): Promise<{ text: string; bytes: Uint8Array; status: number }> {
  const out = new BytesWriter();
  const status = await runScript(rootShell(doorTo(sampleMachine()), source), source, { stdout: out, stderr: out });
  return { text: out.text, bytes: out.bytes, status };
}

describe('bad input', () => {
  it.each([
    ['ls -Z --bogus /', "ls: unrecognized option '--bogus'\nTry 'ls --help' for more information.\n", 2],
    ['cat -q', "cat: invalid option -- 'q'\nTry 'cat --help' for more information.\n", 1],
    ['cat /nope', 'cat: /nope: No such file or directory\n', 1],
    ['cat /sys', 'cat: /sys: Is a directory\n', 1],
    ['cd /etc/passwd', 'bash: line 1: cd: /etc/passwd: Not a directory\n', 1],
    ['/etc/passwd', 'bash: line 1: /etc/passwd: Permission denied\n', 126],
    ['nope', 'bash: line 1: nope: command not found\n', 127],
    ['setpci -s 99:00.0 COMMAND', /^setpci: Warning: No devices selected/, 0],
    ['modprobe nope', /^modprobe: FATAL: Module nope not found in directory \/lib\/modules\/\S+\n$/, 1],
    ['echo 1 > /sys/bus/pci/devices/0000:01:00.0/vendor', /vendor: Permission denied\n$/, 1],
    ['echo zz > /sys/bus/pci/drivers/vfio-pci/bind', 'bash: line 1: echo: write error: No such device\n', 1],
    ['echo x > /sys/nope', /\/sys\/nope: (Permission denied|No such file or directory)\n$/, 1],
    ["su user -c 'cat /root/x'", 'cat: /root/x: Permission denied\n', 1],
    ["su user -c 'cat /dev/vfio/10 < /dev/null; echo > /sys/bus/pci/rescan'", /Permission denied\n$/, 1],
    ['su user -c reboot', 'Call to Reboot failed: Interactive authentication required.\n', 1],
    ['echo "unfinished', /unexpected EOF while looking for matching `"'\n/, 2],
    ['for x in; do; done', /syntax error near unexpected token/, 2],
    ['compgen -G "/nope/*" > /dev/null || echo none', 'none\n', 0],
  ] as [string, string | RegExp, number][])('%s', async (source, text, status) => {
    const result = await run(source);
    if (typeof text === 'string') expect(result.text).toBe(text);
    else expect(result.text).toMatch(text);
    expect(result.status).toBe(status);
    expect(
      (
        await run(
          `${source.startsWith('echo "') || source.startsWith('for') ? ':' : source} 2>&1 | cat >/dev/null; echo alive`,
        )
      ).text,
    ).toContain('alive');
  });

  it('broken pipes end their writer quietly', async () => {
    expect((await run('yes | head -n 1; echo ${PIPESTATUS[@]}')).text).toBe('y\n141 0\n');
  });

  it('binary output comes through as it is', async () => {
    const { bytes } = await run(
      'head -c 256 /sys/bus/pci/devices/0000:01:00.0/config | cat | tail -c 192 | head -c 4; printf "\\xff\\x00"',
    );
    expect([...bytes.slice(-2)]).toEqual([0xff, 0]);
    expect(bytes.length).toBe(6);
  });

  it('a line of a million characters goes through every filter', async () => {
    const { text } = await run(
      `l=$(head -c 1000000 /dev/zero | tr '\\0' x); printf '%s\\n' "$l" | sed s/x/y/ | awk '{ print length($0) }'; printf %s "$l" | grep -c x; printf %s "$l" | sort | uniq | cut -c1-3; echo \${#l}`,
    );
    expect(text).toBe('1000000\n1\nxxx\n1000000\n');
  });

  it('endless recursion ends with a message, and the shell with it', async () => {
    const { text, status } = await run('f() { f; }; f');
    expect(text === '' || /recursion|nesting|Segmentation/.test(text)).toBe(true);
    expect(status).not.toBe(0);
  });
});
