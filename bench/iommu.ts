/** The IOMMU at work: translations warm and cold, and copies by DMA through pages of 4 KiB and 2 MiB. */
import { EMPTY_MACHINE, MachineBuilder } from '../engine/hardware/parts/fixture';
import type { IommuUnit } from '../engine/hardware/iommu/iommu';
import { BLOCKED } from '../engine/hardware/iommu/iommu';
import { Machine } from '../engine/lab/machine';
import { UserDriver } from '../engine/lab/user-driver.fixture';
import { rateOf, report } from './lib/figures';
import type { Figure } from './lib/figures';

const CARD = '0000:01:00.0';
const SOURCE = 0x0100;
/** Memory begins at a multiple of 2 MiB: in step with it, and out of step by one page. */
const IN_STEP = 0x4000_0000;
const OUT_OF_STEP = IN_STEP + 4096;
const MIB = 2 ** 20;
const PAGE = 4096;
const ROUNDS = 5;
const BUDGET_WARM = 10e6;
const BUDGET_COLD = 500_000;
/** Copies through the IOMMU, as a share of a plain copy. */
const AIM = 0.5;

/** A card in user space with `size` bytes mapped at `iova`: at a multiple of 2 MiB by pages of that size. */
function bench(iommu: 'intel-vtd' | 'amd-vi', size: number, iova: number) {
  const cmdline = 'intel_iommu=on';
  const builder = new MachineBuilder({ ...EMPTY_MACHINE, iommu, kernel: { ...EMPTY_MACHINE.kernel, cmdline } });
  builder.behindPort('lab-nic');
  const machine = new Machine(builder.description);
  const driver = new UserDriver(machine, CARD);
  driver.enable();
  driver.map('memory', iova, size);
  const { platform, pci } = machine.kernel;
  const fn = pci.devices.get(CARD)!.function;
  return { fn, iova, dma: platform.dma, unit: platform.units.unit(0)! };
}

/** Of pages that the unit knows, in an order that no single entry serves. */
function warm(unit: IommuUnit, pages: number): number {
  const count = 2_000_000;
  let sum = 0;
  const rate = rateOf(ROUNDS, count, () => {
    for (let i = 0; i < count; i++) sum += unit.translate(SOURCE, OUT_OF_STEP / PAGE + ((i * 7919) % pages), 0, true);
  });
  if (sum <= 0) throw new Error('Nothing was translated.');
  return rate;
}

/** Of pages that the unit was told to forget: each walks the tables. */
function cold(unit: IommuUnit, pages: number): number {
  const count = 200_000;
  const rounds = count / pages;
  return rateOf(ROUNDS, count, () => {
    for (let round = 0; round < rounds; round++) {
      unit.iotlb.forgetAll();
      for (let i = 0; i < pages; i++) {
        if (unit.translate(SOURCE, OUT_OF_STEP / PAGE + i, 0, true) === BLOCKED) throw new Error('A page was blocked.');
      }
    }
  });
}

const SIZE = 16 * MIB;
const PIECE = 65536;
const COPIES = 8000;

/** Where plain copies go; touched once, so that it is there. */
const plainly = new Uint8Array(SIZE).fill(1);

/** MiB a second by DMA writes of 64 KiB all over the mapping, and by plain copies of the same; turn and turn about. */
function copying({ dma, fn, iova }: ReturnType<typeof bench>): { through: number; plain: number } {
  const bytes = new Uint8Array(PIECE).fill(0x5a);
  const amount = (COPIES * PIECE) / MIB;
  let through = 0;
  let plain = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const dmaRate = rateOf(1, amount, () => {
      for (let i = 0; i < COPIES; i++) {
        if (!dma.write(fn, BigInt(iova + ((i * PIECE) % SIZE)), bytes)) throw new Error('A write was stopped.');
      }
    });
    const plainRate = rateOf(1, amount, () => {
      for (let i = 0; i < COPIES; i++) plainly.set(bytes, (i * PIECE) % SIZE);
    });
    through = Math.max(through, dmaRate);
    plain = Math.max(plain, plainRate);
  }
  return { through, plain };
}

const small = bench('intel-vtd', SIZE, OUT_OF_STEP);
const large = bench('intel-vtd', SIZE, IN_STEP);
const amd = bench('amd-vi', SIZE, OUT_OF_STEP);
const bare = new Map(Array.from({ length: 4096 }, (_, page) => [page, page + 1]));
const lookups = rateOf(ROUNDS, 2_000_000, () => {
  let sum = 0;
  for (let i = 0; i < 2_000_000; i++) sum += bare.get((i * 7919) % 4096)!;
  if (sum <= 0) throw new Error('Nothing was found.');
});
const inMap = { what: 'look-up in a Map', value: lookups };

function copy(what: string, one: ReturnType<typeof bench>): Figure {
  const { through, plain } = copying(one);
  return { what, value: through, unit: '/s', budget: plain * AIM, baseline: { what: 'plain copy', value: plain } };
}

report([
  { what: 'translate, warm, VT-d', value: warm(small.unit, 4096), unit: '/s', budget: BUDGET_WARM, baseline: inMap },
  { what: 'translate, warm, AMD-Vi', value: warm(amd.unit, 4096), unit: '/s', budget: BUDGET_WARM, baseline: inMap },
  { what: 'translate, cold, VT-d', value: cold(small.unit, 4000), unit: '/s', budget: BUDGET_COLD, baseline: inMap },
  { what: 'translate, cold, AMD-Vi', value: cold(amd.unit, 4000), unit: '/s', budget: BUDGET_COLD, baseline: inMap },
  copy('DMA through 4 KiB pages, MiB', small),
  copy('DMA through 2 MiB pages, MiB', large),
]);
