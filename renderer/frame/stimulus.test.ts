import { describe, expect, it } from 'vitest';
import type { StimulusKind } from '../bridge';
import { initial, stimulusOf, stormProblem, valueOf } from './stimulus';

const common = { label: '', help: '' };
const dma: StimulusKind = {
  kind: 'dma',
  title: 'Rogue DMA',
  about: '',
  parameters: [
    { ...common, kind: 'choice', key: 'direction', default: 'read', options: [{ value: 'read', label: 'read' }] },
    { ...common, kind: 'text', key: 'address', format: 'number', longest: 16, default: '0x0' },
    { ...common, kind: 'number', key: 'length', min: 1, max: 4096, default: 16 },
    { ...common, kind: 'text', key: 'hex', format: 'bytes', longest: 4, default: 'ef' },
  ],
};

describe('a stimulus that somebody fills in', () => {
  it('is what the fields hold at first', () => {
    expect(stimulusOf('0000:01:00.0', dma, initial(dma), 1, 0)).toEqual({
      ...{ device: '0000:01:00.0', kind: 'dma', direction: 'read', address: '0x0', length: 16, hex: 'ef' },
    });
  });

  it.each([
    [1, '', null],
    ['', 1, 'times'],
    [0, 1, 'times'],
    [1.5, 1, 'times'],
    [10_000_001, 0, 'times'],
    [2, -1, 'every'],
    [2, '', 'every'],
    [2, 60_001, 'every'],
    [1000, 60_000, 'together'],
    [61, 60_000, null],
  ] as const)('%s times every %s ms: %s', (times, every, problem) => expect(stormProblem(times, every)).toBe(problem));

  it('takes numbers either way, bytes with blanks, and a count with a pause', () => {
    const typed = { ...initial(dma), address: '4096', length: '0x10', hex: 'de ad:be ef' };
    expect(stimulusOf('0000:01:00.0', dma, typed, 5, 0.5)).toMatchObject({
      ...{ address: '0x1000', length: 16, hex: 'deadbeef', count: 5, everyUs: 500 },
    });
  });

  it.each([
    ['length', '0'],
    ['length', 'many'],
    ['length', '4097'],
    ['address', '0x1ffffffffffffffff'],
    ['address', 'here'],
    ['hex', 'abc'],
    ['hex', '0102030405'],
  ])('is none with %s %s', (key, text) => {
    expect(stimulusOf('0000:01:00.0', dma, { ...initial(dma), [key]: text }, 1, 0)).toBeNull();
  });

  it('is none without a whole count', () => {
    for (const count of [0, -1, 1.5, NaN]) expect(stimulusOf('', dma, initial(dma), count, 0)).toBeNull();
  });

  it('leaves out what may be left out', () => {
    const vector = { ...common, kind: 'number', key: 'vector', min: 0, max: 7, default: 0, none: 'INTx pin' } as const;
    expect([valueOf(vector, ''), valueOf(vector, '3'), valueOf(vector, '8')]).toEqual([null, 3, undefined]);
  });
});
