import type { IommuKind } from './description';
import { Channels } from './devices/channels';
import type { DeviceEnvironment } from './devices/environment';
import type { ChangeCount } from './pci/config-space';
import type { DeviceModel, PciFunction } from './pci/function';

type ActingModel = DeviceModel & {
  connect(environment: DeviceEnvironment, channels: Channels): void;
  disconnect(): void;
};

const isActing = (model: DeviceModel): model is ActingModel => 'connect' in model;

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
  /** What acting models are connected to, the ones that are made later too. */
  private environment: DeviceEnvironment | null = null;
  private readonly acting = new Set<ActingModel>();
  private readonly channels = new Channels();
  /** Changes of any function's registers, and of which functions there are. */
  readonly changes: ChangeCount = { count: 0 };
  /** Goes up when a function comes or goes. */
  placed = 0;

  constructor(iommu: IommuKind) {
    this.iommu = iommu;
  }

  /** Connects the models that act, those there are and those to come. */
  connect(environment: DeviceEnvironment): void {
    this.environment = environment;
    for (const model of this.acting) model.connect(environment, this.channels);
  }

  /** What the machine's models act on; null before it is complete. */
  get surroundings(): DeviceEnvironment | null {
    return this.environment;
  }

  /** A model was made: it acts as soon as the machine does. */
  attach<M extends DeviceModel>(model: M): M {
    if (!isActing(model)) return model;
    this.acting.add(model);
    if (this.environment !== null) model.connect(this.environment, this.channels);
    return model;
  }

  /** Puts a function onto the fabric, below its parent where it has one. */
  add(fn: PciFunction): void {
    this.functions.set(fn.name, fn);
    fn.config.changes = this.changes;
    this.placed++;
    this.changes.count++;
    fn.parent?.children.push(fn);
    fn.physicalFunction?.virtualFunctions.push(fn);
  }

  /** Takes a function off the fabric. What is below it must be gone already. */
  remove(fn: PciFunction): void {
    this.functions.delete(fn.name);
    this.placed++;
    this.changes.count++;
    const model = fn.modelIfMade;
    if (model !== null && isActing(model) && this.acting.delete(model)) model.disconnect();
    const forget = (list: PciFunction[] | undefined): void => {
      const at = list?.indexOf(fn) ?? -1;
      if (at >= 0) list!.splice(at, 1);
    };
    forget(fn.parent?.children);
    forget(fn.physicalFunction?.virtualFunctions);
  }
}
