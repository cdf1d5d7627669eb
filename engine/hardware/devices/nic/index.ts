/** How network controllers of the lab are made from registers: alone, as physical and as virtual functions. */
import { LAB_VENDOR, NIC, NIC_PHYSICAL, NIC_REGISTERS, VIRTUAL_VECTORS, virtualNic } from '../../parts/library/nic';
import type { StrapValues } from '../../parts/straps';
import type { PciFunction } from '../../pci/function';
import type { VirtualFunctionSource } from '../virtual-source';
import { PAIRS, VIRTUAL_PAIRS } from './data-sheet';
import { NicDevice } from './nic';

const MSIX = 0x11;
const SRIOV = 0x10;

const vectorsOf = ({ config }: PciFunction): number => (config.read(config.findCapability(MSIX) + 2, 2) & 0x7ff) + 1;

export function isNic({ config }: PciFunction, sizes: readonly number[]): boolean {
  const device = config.read(2, 2);
  return (
    config.read(0, 2) === LAB_VENDOR &&
    (device === NIC || device === NIC_PHYSICAL) &&
    sizes[0] === NIC_REGISTERS &&
    config.findCapability(MSIX) !== 0
  );
}

/** The wire inside a controller with virtual functions. */
const inside = (fn: PciFunction): string => `inside ${fn.name}`;

function outside(straps: StrapValues): string[] {
  const wire = straps['wire'];
  return typeof wire === 'number' && wire > 0 ? [`wire ${wire}`] : [];
}

export function makeNic(fn: PciFunction, sizes: readonly number[], straps: StrapValues): NicDevice {
  const physical = fn.config.findExtendedCapability(SRIOV) !== 0;
  const serial = typeof straps['serial'] === 'number' ? straps['serial'] : 1;
  const options = {
    pairs: PAIRS,
    vectors: vectorsOf(fn),
    serial,
    virtual: false,
    wires: [...(physical ? [inside(fn)] : []), ...outside(straps)],
  };
  return physical ? new PhysicalNic(fn, sizes, options) : new NicDevice(fn, sizes, options);
}

/** A controller whose virtual functions are controllers with one pair of rings. */
class PhysicalNic extends NicDevice implements VirtualFunctionSource {
  virtualRegisters(): Uint8Array {
    return virtualNic().bytes;
  }

  virtualModel(fn: PciFunction, sizes: readonly number[], index: number): NicDevice {
    const { serial, wires } = this.options;
    return new NicDevice(fn, sizes, {
      pairs: VIRTUAL_PAIRS,
      vectors: VIRTUAL_VECTORS,
      // Addresses of virtual functions follow that of the physical one.
      serial: (serial + 0x100 * (index + 1)) & 0xffffff,
      virtual: true,
      wires,
    });
  }
}
