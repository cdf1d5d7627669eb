/** comm: what two sorted files have in common, and what only one of them has. */
import { failureText } from '../../errors';
import { lines } from '../../streams';
import type { ByteReader } from '../../streams';
import type { Program } from '../program';
import { extraOperand, missingOperand, parseOptions } from '../support/options';
import { complain, print } from '../support/output';

export const comm: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: '123',
    long: { 'output-delimiter': 'output:', 'check-order': 'check', 'nocheck-order': 'nocheck' },
  });
  if (typeof parsed === 'number') return parsed;
  const [a, b, third] = parsed.operands;
  if (a === undefined) return missingOperand(context);
  if (b === undefined) return missingOperand(context, a);
  if (third !== undefined) return extraOperand(context, third);
  const readers: ByteReader[] = [];
  try {
    for (const name of [a, b]) {
      try {
        readers.push(name === '-' ? context.stdin : context.files.openRead(name));
      } catch (error) {
        await complain(context, `${name}: ${failureText(error)}`);
        return 1;
      }
    }
    const between = parsed.value('output') ?? '\t';
    const [only, both] = [['1', '2'].map((letter) => !parsed.has(letter)), !parsed.has('3')];
    const indent = (column: number): string =>
      between.repeat([only[0], only[1]].slice(0, column).filter(Boolean).length);
    const [left, right] = readers.map((reader) => lines(reader)) as [AsyncGenerator<string>, AsyncGenerator<string>];
    let [x, y] = [await left.next(), await right.next()];
    while (!x.done || !y.done) {
      const order = x.done ? 1 : y.done ? -1 : x.value < y.value ? -1 : x.value > y.value ? 1 : 0;
      if (order === 0 && both) await print(context, `${indent(2)}${x.value as string}\n`);
      if (order < 0 && only[0]) await print(context, `${x.value as string}\n`);
      if (order > 0 && only[1]) await print(context, `${indent(1)}${y.value as string}\n`);
      if (order <= 0) x = await left.next();
      if (order >= 0) y = await right.next();
    }
    return 0;
  } finally {
    for (const reader of readers) reader.close();
  }
};
