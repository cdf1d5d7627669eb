/** A root complex: one more root bus, found by its host bridge. */
import { amdIommuBlock, msi, powerManagement } from '../capabilities';
import { choice } from '../common-straps';
import type { Part, PartFunction } from '../part';
import { buildRegisters } from '../registers';
import { choiceOf } from '../straps';

/** Host bridges as they are on the market; the AMD one has its IOMMU as function 2. */
const HOST_BRIDGES = {
  intel: { vendor: 0x8086, device: 0x29c0, revision: 0x02, subsystem: [0x8086, 0x29c0] },
  amd: { vendor: 0x1022, device: 0x1480, revision: 0x00, subsystem: [0x1022, 0x1480] },
  generic: { vendor: 0x1b36, device: 0x0008, revision: 0x00, subsystem: [0x1af4, 0x1100] },
} as const;

const IOMMU_REGISTERS = 0xfd00_0000n;

export const rootComplex: Part = {
  id: 'root-complex',
  title: 'Root complex',
  about: 'A host bridge with a root bus of its own. Root ports, bridges and integrated devices stand on it.',
  icon: 'root-complex',
  kind: 'root-complex',
  places: ['machine'],
  straps: [
    choice('maker', 'Maker', 'Whose host bridge it is; the IOMMU is chosen for the machine.', [
      ['intel', 'Intel'],
      ['amd', 'AMD'],
      ['generic', 'QEMU'],
    ]),
  ],
  make(straps) {
    const maker = choiceOf<keyof typeof HOST_BRIDGES>(straps, 'maker');
    const bridge: PartFunction = {
      device: 0,
      function: 0,
      above: null,
      model: null,
      registers: buildRegisters({ ...HOST_BRIDGES[maker], class: 0x060000, multifunction: maker === 'amd' }, []),
    };
    return maker === 'amd' ? [bridge, iommu()] : [bridge];
  },
};

/** The function by which an AMD IOMMU appears on the bus. */
const iommu = (): PartFunction => ({
  device: 0,
  function: 2,
  above: null,
  model: null,
  registers: buildRegisters(
    { vendor: 0x1022, device: 0x1481, class: 0x080600, subsystem: [0x1022, 0x1481], pin: 1, multifunction: true },
    [amdIommuBlock(IOMMU_REGISTERS, { at: 0x40 }), msi({ vectors: 4 }), powerManagement()],
  ),
});
