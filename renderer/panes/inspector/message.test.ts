import { describe, expect, it } from 'vitest';
import { messageOf } from './message';

describe('a message', () => {
  it('in remappable format names an entry, with or without the data', () => {
    expect(messageOf(0xfee00298n, 0)).toEqual({ kind: 'remappable', handle: 0x14, subhandle: 0 });
    expect(messageOf(0xfee002b0n, 5)).toEqual({ kind: 'remappable', handle: 0x15, subhandle: null });
    expect(messageOf(0xfee00014n, 0)).toEqual({ kind: 'remappable', handle: 0x8000, subhandle: null });
  });
  it('in compatibility format names CPU and vector', () => {
    expect(messageOf(0xfee03000n, 0x4041)).toEqual({
      kind: 'direct',
      destination: 3,
      vector: 0x41,
      delivery: 0,
      level: false,
    });
  });
  it('anywhere else is a write to memory', () => {
    expect(messageOf(0x1_fee0_0000n, 1)).toEqual({ kind: 'memory' });
    expect(messageOf(0xfed00000n, 1)).toEqual({ kind: 'memory' });
  });
});
