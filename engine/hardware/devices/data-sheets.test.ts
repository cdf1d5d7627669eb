import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Bench } from './bench.fixture';
import type { Documented } from './data-sheet';
import { registerTables } from './data-sheet-text';

const FOLDER = new URL('../../../docs/devices/', import.meta.url);
const TABLES = /(<!-- registers of (\S+) -->)[\s\S]*?(<!-- end -->)/g;

/** The sheet with its tables made anew from the models. */
const renewed = (text: string): string =>
  text.replace(TABLES, (_all, start: string, part: string, end: string) => {
    const { registers } = new Bench().put(part).model as unknown as Documented;
    return `${start}\n\n${registerTables(registers)}\n\n${end}`;
  });

const sheets = readdirSync(FOLDER).filter((name) => name.endsWith('.md'));

describe('the data sheets in docs/devices', () => {
  it.each(sheets)('%s has the registers that the model has; if not: npx vitest run data-sheets -u', async (name) => {
    const file = new URL(name, FOLDER);
    await expect(renewed(readFileSync(file, 'utf8'))).toMatchFileSnapshot(file.pathname);
  });
});
