import type { IommuKind } from './description';
import type { PciFunction } from './pci/function';

/** A root bus: what hangs directly below a host bridge. */
export interface RootBus {
  /** As sysfs spells it: `pci0000:00`. */
  readonly name: string;
  readonly segment: number;
  readonly bus: number;
}

/** The whole of the silicon that software can find: functions by address, root buses, and which IOMMU there is. */
export class HardwareMachine {
  /** In the order of enumeration: all functions of a bus before the buses behind it. */
  readonly functions = new Map<string, PciFunction>();
  readonly roots: RootBus[] = [];
  readonly iommu: IommuKind;

  constructor(iommu: IommuKind) {
    this.iommu = iommu;
  }

  /** Puts a function onto the fabric, below its parent where it has one. */
  add(fn: PciFunction): void {
    this.functions.set(fn.name, fn);
    fn.parent?.children.push(fn);
    fn.physicalFunction?.virtualFunctions.push(fn);
  }

  /** Takes a function off the fabric. What is below it must be gone already. */
  remove(fn: PciFunction): void {
    this.functions.delete(fn.name);
    const forget = (list: PciFunction[] | undefined): void => {
      const at = list?.indexOf(fn) ?? -1;
      if (at >= 0) list!.splice(at, 1);
    };
    forget(fn.parent?.children);
    forget(fn.physicalFunction?.virtualFunctions);
  }
}
