/** How long DMA mapping takes; used by the benchmark and by the test of its budget. */
import { VFIO } from '../../uapi/vfio';
import { Program, VfioFixture } from '../fixture';

export interface DmaMeasurement {
  /** MAP plus UNMAP of a 2 MiB region, pairs a second, beside `live` other mappings. */
  readonly pairsPerSecond: number;
  /** Time of one MAP and UNMAP of 4 GiB as a multiple of that of 4 KiB. */
  readonly largeToSmall: number;
}

const REGION = 0x20_0000;
const FIRST = 2 ** 44;

/** `now` in milliseconds. */
export function measureDma(now: () => number, live = 60_000, rounds = 100_000): DmaMeasurement {
  const fixture = new VfioFixture(1, { bits: 48 });
  const program = new Program(fixture);
  const container = program.openContainer();
  const group = program.openGroup(0);
  program.setContainer(group, container);
  program.plain(container, VFIO.SET_IOMMU, 3n);
  const memory = Number(program.process.memory.allocate(0x1_0000_0000n, { align: BigInt(REGION) }));
  for (let i = 0; i < live; i++) {
    if (program.mapQuickly(container, memory, FIRST + i * REGION * 2, REGION) !== 0) throw new Error('A map failed.');
  }
  const time = (count: number, size: number, spread: number): number => {
    const start = now();
    for (let i = 0; i < count; i++) {
      const iova = spread === 0 ? 0x2_0000_0000 : FIRST + REGION + ((i * 7919) % spread) * REGION * 2;
      const mapped = program.mapQuickly(container, memory, iova, size);
      if (mapped !== 0 || program.unmapQuickly(container, iova, size) !== size) {
        throw new Error('A map or unmap failed.');
      }
    }
    return (now() - start) / count;
  };
  time(rounds / 5, REGION, live - 1);
  const pair = time(rounds, REGION, live - 1);
  time(rounds / 20, 4096, 0);
  const small = time(rounds / 5, 4096, 0);
  const large = time(rounds / 5, 0x1_0000_0000, 0);
  return { pairsPerSecond: Math.round(1000 / pair), largeToSmall: large / small };
}
