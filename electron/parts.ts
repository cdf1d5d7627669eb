/** What is bundled with the application, and under which licences: written when it is built. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const list = z.array(z.object({ name: z.string(), version: z.string(), licence: z.string() }));

export function bundledParts(): z.infer<typeof list> {
  return list.parse(JSON.parse(readFileSync(path.join(import.meta.dirname, 'parts.json'), 'utf8')));
}
