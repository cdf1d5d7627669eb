import { describe, expect, it } from 'vitest';
import { memorySpace } from '../fixtures/memory-space';
import { runScript } from '../session';
import { BytesWriter } from '../streams';
import snippets from './snippets.json';

/** What bash 5.2 printed for each snippet (`bash -c`, standard input empty, LANG=C.UTF-8), bytes as Latin-1. */
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

describe('the shell language as bash prints it', () => {
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
