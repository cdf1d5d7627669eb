import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PARTS } from '../parts/catalog';
import { Bench } from './bench.fixture';
import type { Documented } from './data-sheet';
import { registerTables, table } from './data-sheet-text';
import { isStimulated } from './stimulus';

const FOLDER = new URL('../../../docs/devices/', import.meta.url);
const TABLES = /(<!-- registers of (\S+) -->)[\s\S]*?(<!-- end -->)/g;

const LIST = /(<!-- all devices -->)[\s\S]*?(<!-- end -->)/g;

/** Every part that is a device, with what can happen to it. */
function deviceTable(): string {
  const rows = PARTS.filter((part) => part.kind === 'device').map((part) => {
    const fn = new Bench().put(part.id);
    const own = isStimulated(fn.model) ? fn.model.stimuli.map((kind) => kind.kind) : [];
    return [part.title, `\`${part.id}\``, fn.model!.name, own.join(', ') || '–'];
  });
  return table(['Part', 'Id', 'Model', 'What the world does to it'], rows);
}

/** The sheet with its tables made anew from the models. */
const renewed = (text: string): string =>
  text
    .replace(LIST, (_all, start: string, end: string) => `${start}\n\n${deviceTable()}\n\n${end}`)
    .replace(TABLES, (_all, start: string, part: string, end: string) => {
      const model = new Bench().put(part).model!;
      const { registers } = model as unknown as Documented;
      const tables = registerTables(registers, ({ region, offset, width }) => model.read(region, offset, width));
      return `${start}\n\n${tables}\n\n${end}`;
    });

const sheets = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));

describe('the data sheets in docs/devices', () => {
  it.each(sheets)('%s has the registers that the model has; if not: npx vitest run data-sheets -u', async (name) => {
    const file = new URL(name, FOLDER);
    await expect(renewed(readFileSync(file, 'utf8'))).toMatchFileSnapshot(file.pathname);
  });
});
