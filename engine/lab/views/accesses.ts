/** Who read and wrote a function's config space, by which call, and what became of it. */
import { toHex } from '../../shell/calls/hex';
import type { ConfigAccess } from '../recording/recording';
import type { ViewContext } from './context';
import type { AccessesView, Views } from './types';

const SHOWN = 200;

const bitCount = (byte: number): number => {
  let count = 0;
  for (let rest = byte; rest > 0; rest >>>= 1) count += rest & 1;
  return count;
};

/** Of the bits that the write wanted other than they were: those that are as wanted, and the rest. */
function changed({ before, data, after }: ConfigAccess): { taken: number; dropped: number } {
  let taken = 0;
  let dropped = 0;
  for (let k = 0; data !== null && before !== null && after !== null && k < data.length; k++) {
    const wanted = before[k]! ^ data[k]!;
    const kept = bitCount(wanted & (after[k]! ^ data[k]!));
    dropped += kept;
    taken += bitCount(wanted) - kept;
  }
  return { taken, dropped };
}

const hexOf = (bytes: Uint8Array | null): string | null => bytes && toHex(bytes);

export function accessesView(
  { machine }: ViewContext,
  { address, chosen }: Views['accesses']['parameters'],
): AccessesView {
  const recording = machine.recording!;
  const all = recording.accessesTo(address).slice(-SHOWN);
  const asked = all.find(({ input }) => input === chosen) ?? all.findLast(({ data }) => data !== null);
  const call = asked && recording.calls.find(({ input }) => input === asked.input);
  return {
    address,
    accesses: all.map((access) => ({
      input: access.input,
      pid: access.pid,
      process: access.process,
      as: access.as,
      kind: access.data === null ? 'read' : 'write',
      offset: access.offset,
      size: access.size,
      before: hexOf(access.before),
      wanted: hexOf(access.data),
      after: access.data === null ? (access.answer.hex ?? null) : hexOf(access.after),
      result: access.answer.errno ?? 'ok',
      ...changed(access),
    })),
    detail: asked
      ? { input: asked.input, call: call?.text ?? '', why: asked.why, explanation: asked.explanation }
      : null,
  };
}
