import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { memorySpace } from '../fixtures/memory-space';
import { runScript } from '../session';
import { BytesWriter } from '../streams';
import snippets from './snippets.json';

/**
 * What bash 5.2 printed for each snippet (scripts/refresh-snippets.mjs), bytes as Latin-1: those that somebody wrote,
 * and those that a generator made up of expansions, arithmetic, quoting, fields, formats and control flow.
 */
interface Snippet {
  source: string;
  stdout: string;
  stderr: string;
  status: number;
}

const generated = JSON.parse(
  gunzipSync(readFileSync(new URL('./generated.json.gz', import.meta.url))).toString(),
) as Snippet[];

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

async function run(source: string): Promise<Snippet> {
  const stdout = new BytesWriter();
  const stderr = new BytesWriter();
  const status = await runScript(memorySpace(), source, { stdout, stderr });
  return { source, stdout: latin1(stdout.bytes), stderr: latin1(stderr.bytes), status };
}

describe('the shell language as bash prints it', () => {
  it.each(snippets.map((snippet) => [snippet.source, snippet] as const))('%s', async (source, expected) => {
    expect(await run(source)).toEqual(expected);
  });

  it(`agrees on ${generated.length} made-up lines`, async () => {
    const wrong: { got: Snippet; expected: Snippet }[] = [];
    for (const expected of generated) {
      const got = await run(expected.source);
      if (JSON.stringify(got) !== JSON.stringify(expected)) wrong.push({ got, expected });
    }
    expect(wrong).toEqual([]);
  });
});
