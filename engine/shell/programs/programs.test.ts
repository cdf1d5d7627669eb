import { describe, expect, it } from 'vitest';
import { memorySpace } from '../fixtures/memory-space';
import { runScript } from '../session';
import { BytesWriter } from '../streams';
import snippets from './programs.snippets.json';

/** What Debian 12's programs printed for each line (`bash -c`, standard input empty, LANG=C), bytes as Latin-1. */
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

describe('the programs as coreutils, grep, sed, awk, findutils, diffutils and xxd print it', () => {
  it.each(snippets.map((snippet) => [snippet.source, snippet] as const))('%s', async (source, expected) => {
    const stdout = new BytesWriter();
    const stderr = new BytesWriter();
    const status = await runScript(memorySpace(), source, { stdout, stderr });
    expect({ stdout: latin1(stdout.bytes), stderr: latin1(stderr.bytes), status }).toEqual({
      stdout: expected.stdout,
      stderr: expected.stderr,
      status: expected.status,
    });
  });
});

describe('what a shell does to the machine', () => {
  it('makes one write() of one echo, and tells its errno in the words of bash', async () => {
    const space = memorySpace().refuse('/sys/bus/pci/drivers/vfio-pci/bind', 'EBUSY');
    const stderr = new BytesWriter();
    const status = await runScript(space, 'echo 0000:01:00.0 > /sys/bus/pci/drivers/vfio-pci/bind', {
      stdout: new BytesWriter(),
      stderr,
    });
    expect(stderr.text).toBe('bash: line 1: echo: write error: Device or resource busy\n');
    expect(space.writes).toEqual([{ path: '/sys/bus/pci/drivers/vfio-pci/bind', text: '0000:01:00.0\n' }]);
    expect(status).toBe(1);
  });

  it('stops an endless loop by a signal', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const status = await runScript(memorySpace(), 'while :; do :; done', {
      stdout: new BytesWriter(),
      stderr: new BytesWriter(),
      signal: stop.signal,
    });
    expect(status).toBe(130);
  });

  it('keeps bytes that are no text through variables and pipes', async () => {
    const stdout = new BytesWriter();
    await runScript(memorySpace(), 'x=$(printf \'\\xff\\xfe\'); printf %s "$x" | cat', {
      stdout,
      stderr: new BytesWriter(),
    });
    expect([...stdout.bytes]).toEqual([0xff, 0xfe]);
  });
});
