/** Requests to every kind of descriptor, with any words at all behind the pointer. */
import type { FuzzBench } from '../../engine/conformance/fixtures/bench';
import { BUFFER_SIZE, fuzzBench } from '../../engine/conformance/fixtures/bench';
import { errnoName } from '../../engine/linux/errno';
import { Pages } from '../../engine/linux/process/pages';
import { REQUESTS } from '../../engine/linux/uapi/requests';
import { json } from '../lib/mutate';
import type { Target } from '../lib/target';
import { bytesOf, must, textOf } from '../lib/target';

/** Place of the descriptor, number of the request, words of the argument; `at`: where they stand. */
interface Call {
  descriptor: number;
  request: number;
  words: number[];
  at: 'buffer' | 'end' | 'nowhere' | 'value';
}

const MOST_CALLS = 80;
const MOST_WORDS = 64;

function argument(b: FuzzBench, { at, words }: Call): bigint {
  const bytes = new Uint8Array(new Uint32Array(words.slice(0, MOST_WORDS)).buffer);
  if (at === 'value') return BigInt.asUintN(64, BigInt(Math.trunc(words[0] ?? 0)));
  if (at === 'nowhere') return 0xffff_8000_0000_0000n + BigInt(words.length);
  const address = at === 'end' ? b.buffer + BUFFER_SIZE - BigInt(bytes.length) : b.buffer;
  b.process.memory.copyTo(address, bytes);
  return address;
}

const isCall = (one: unknown): one is Call => {
  const call = one as Partial<Call> | null;
  return (
    Number.isInteger(call?.descriptor) &&
    Number.isInteger(call?.request) &&
    Array.isArray(call?.words) &&
    call.words.every((word) => typeof word === 'number' && Number.isFinite(word))
  );
};

function run(input: Uint8Array): void {
  let calls: unknown;
  try {
    calls = JSON.parse(textOf(input));
  } catch {
    return;
  }
  if (!Array.isArray(calls)) return;
  const b = fuzzBench();
  const { syscalls, processes, iommu } = b.kernel;
  for (const call of calls.slice(0, MOST_CALLS).filter(isCall)) {
    const fd = b.descriptors[Math.abs(call.descriptor) % b.descriptors.length] ?? -1;
    const result = syscalls.ioctl(b.process, fd, call.request >>> 0, argument(b, call));
    if (typeof result === 'number' && result < 0) must(errnoName(result) !== null, `the result ${result}`);
  }
  processes.exit(b.process.pid);
  must(![...processes.pages.memory.given].some((region) => region instanceof Pages), 'memory was not given back');
  for (const group of iommu.groups.values()) must(group.owner === null, `group ${group.id} is still held`);
}

export const ioctls: Target = {
  name: 'ioctls',
  reaches: ['engine/linux/vfio/', 'engine/linux/iommufd/', 'engine/linux/uapi/', 'engine/linux/process/'],
  seeds: () =>
    [0, 1, 2, 3, 4, 5].map((descriptor) => {
      const calls = REQUESTS.map(({ number, size }): Call => {
        const words = [size, 0, 1, 0, 0x100000, 0, 0x1000, 0, 3, 1, 0, 0].slice(0, Math.max(2, size / 4));
        return { descriptor, request: number, words, at: 'buffer' };
      });
      return bytesOf(JSON.stringify(calls));
    }),
  mutations: [json(true), json(true), json()],
  run,
  briefly: 100,
};
