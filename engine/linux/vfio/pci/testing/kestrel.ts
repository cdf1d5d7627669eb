/**
 * The invented network controller of the specification's worked example (FADE:0210): registers, masks, resources and
 * the part of a kernel that vfio-pci needs around it.
 */
import { createModel } from '../../../../hardware/devices/catalog';
import type { IommuKind } from '../../../../hardware/description';
import { unitOf } from '../../../../hardware/description';
import type { Interrupts } from '../../../../hardware/interrupts';
import { HardwareMachine } from '../../../../hardware/machine';
import { ConfigSpace } from '../../../../hardware/pci/config-space';
import { PciFunction } from '../../../../hardware/pci/function';
import { Platform } from '../../../../hardware/platform';
import { Clock } from '../../../clock';
import { AmdDriver } from '../../../iommu/amd';
import { AmdFaultLog } from '../../../iommu/amd-faults';
import type { IommuGroup } from '../../../iommu/group';
import { IntelDriver } from '../../../iommu/intel';
import { VtdFaultLog } from '../../../iommu/intel-faults';
import { TablePool } from '../../../iommu/table-pages';
import { IrqCore } from '../../../irq/irq';
import { AmdRemapping } from '../../../irq/amd-remapping';
import { IntelRemapping } from '../../../irq/intel-remapping';
import type { InterruptRemapping, RemappingKind, UnitInterrupt } from '../../../irq/remapping';
import { KernelLog } from '../../../log';
import { PciDevice } from '../../../pci/device';
import { PciEnable } from '../../../pci/enable';
import { PhysicalMemory } from '../../../../hardware/memory';
import { PageAllocator } from '../../../process/pages';
import { Task } from '../../../process/table';
import { AddressSpace } from '../../../process/user-memory';
import { WhyLog } from '../../../why';
import type { VfioDevice } from '../../device';
import { VfioPciDriver } from '../driver';
import type { VfioPciDevice } from '../device';
import type { VfioPciParameters } from '../ops';

const ROWS: readonly (readonly [at: number, hex: string])[] = [
  [0x000, 'defa10020301102003000002100000000c00201040000000'],
  [0x018, '0000e1f70000000021e000000000000000000000defa0100'],
  [0x030, '0000e0f740000000000000000b010000'],
  [0x040, '015003fe000000000100feca00000000'],
  [0x050, '05708601000000000000000000000000'],
  [0x070, '11801f000200000002200000'],
  [0x080, '0da00000defa0100'],
  [0x0a0, '10e00200228000103f290900837c430040000000'],
  [0x0c0, '00000000100800000000000' + '00e000000'],
  [0x0e0, '0900100000000000'],
  [0x100, '01000215000000000000000030204600'],
  [0x110, '0000000000200000a0000000'],
  [0x150, '1e0001161f0000000f000000'],
  [0x160, '1000011a020000000000000008000800'],
  [0x170, '00000000800001000000110253050000'],
  [0x1a0, '1b00011b04140000'],
  [0x1b0, '0f00010020000000'],
];

/** `[offset, width, writable bits]`. */
const MASKS: readonly (readonly [at: number, width: 1 | 2 | 4, bits: number])[] = [
  [0x04, 2, 0x0547],
  [0x0c, 1, 0xff],
  [0x0d, 1, 0xff],
  [0x10, 4, 0xfff00000],
  [0x14, 4, 0xffffffff],
  [0x18, 4, 0xffffc000],
  [0x20, 4, 0xffffffe0],
  [0x30, 4, 0xffff0001],
  [0x3c, 1, 0xff],
  [0x44, 2, 0x0103],
  [0x48, 4, 0xffffffff],
  [0x52, 2, 0x0071],
  [0x54, 4, 0xfffffffc],
  [0x58, 4, 0xffffffff],
  [0x5c, 2, 0xffff],
  [0x60, 4, 0x000000ff],
  [0x72, 2, 0xc000],
  [0xa8, 2, 0x7fff],
  [0xb0, 2, 0x01fb],
  [0xc8, 2, 0x001f],
  [0xd0, 2, 0x000f],
  [0xe3, 1, 0xff],
  [0xe4, 4, 0xffffffff],
  [0x108, 4, 0xffffffff],
  [0x10c, 4, 0xffffffff],
  [0x114, 4, 0xffffffff],
  [0x118, 4, 0x00000140],
  [0x158, 4, 0xffffffff],
  [0x168, 2, 0x001f],
  [0x1a6, 2, 0x0007],
  [0x1b6, 2, 0x801f],
];

const CLEARED_BY_ONE: readonly (readonly [at: number, width: 1 | 2 | 4, bits: number])[] = [
  [0x06, 2, 0xf900],
  [0x44, 2, 0x8000],
  [0xaa, 2, 0x000f],
  [0x104, 4, 0xffffffff],
  [0x110, 4, 0xffffffff],
];

const MEMORY = 0x200n;
const RESOURCES: readonly (readonly [start: bigint, size: bigint, flags: bigint])[] = [
  [0x40_1020_0000n, 0x100000n, MEMORY | 0x2000n | 0x100000n],
  [0n, 0n, 0n],
  [0xf7e10000n, 0x4000n, MEMORY],
  [0n, 0n, 0n],
  [0xe020n, 0x20n, 0x100n],
  [0n, 0n, 0n],
  [0xf7e00000n, 0x10000n, MEMORY],
];

export function kestrelFunction(name = 0, parent: PciFunction | null = null): PciFunction {
  const config = new ConfigSpace(4096);
  for (const [at, hex] of ROWS) {
    for (let i = 0; i < hex.length / 2; i++) config.bytes[at + i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  }
  const put = (into: Uint8Array, at: number, width: number, bits: number): void => {
    for (let i = 0; i < width; i++) into[at + i] = (bits >>> (8 * i)) & 0xff;
  };
  for (const [at, width, bits] of MASKS) put(config.writable, at, width, bits);
  for (const [at, width, bits] of CLEARED_BY_ONE) put(config.writeOneToClear, at, width, bits);
  const fn = new PciFunction({ segment: 0, bus: 3, device: 0, function: name }, config, parent, 'pci0000:00');
  fn.model = createModel(
    fn,
    RESOURCES.map(([, size]) => Number(size)),
  );
  return fn;
}

/** A root port with a secondary bus 3, which passes requests up. */
export function rootPort(): PciFunction {
  const config = new ConfigSpace(4096);
  config.set(0x00, 4, 0x000c1b36);
  config.set(0x04, 2, 0x0006);
  config.set(0x06, 2, 0x0010);
  config.set(0x0e, 1, 0x01);
  config.set(0x18, 4, 0x00030300);
  config.set(0x34, 1, 0x40);
  config.set(0x40, 4, 0x00420010);
  config.set(0x4c, 4, 0x00000011);
  return new PciFunction({ segment: 0, bus: 0, device: 0x1c, function: 0 }, config, null, 'pci0000:00');
}

export function pciDevice(fn: PciFunction, parent: PciDevice | null, resources = RESOURCES): PciDevice {
  const device = new PciDevice(fn);
  device.parent = parent;
  for (const [start, size, flags] of resources) {
    device.resources.push({ start, end: size === 0n ? 0n : start + size - 1n, flags });
  }
  device.powerState = 'D0';
  device.irq = 16;
  device.resetMethods = ['flr'];
  return device;
}

/** A kernel's worth of surroundings for one or more devices bound to vfio-pci. */
export class Bench {
  readonly clock = new Clock();
  readonly log = new KernelLog(() => this.clock.now);
  readonly why = new WhyLog();
  readonly machine: HardwareMachine;
  readonly platform: Platform;
  readonly interrupts: Interrupts;
  readonly irq: IrqCore;
  readonly driver: VfioPciDriver;
  readonly process: Task;
  readonly devices: PciDevice[] = [];
  readonly groups = new Map<PciDevice, IommuGroup>();
  private readonly registered = new Map<number, VfioDevice>();

  constructor(parameters: Partial<VfioPciParameters> = {}, remapping: RemappingKind = 'vt-d') {
    const pages = new PageAllocator(new PhysicalMemory());
    const kind = remapping === 'amd-vi' ? remapping : remapping === 'vt-d' ? 'intel-vtd' : 'none';
    this.machine = new HardwareMachine(kind);
    const now = (): bigint => this.clock.now;
    const unit = unitOf({ iommu: kind });
    this.platform = new Platform({ machine: this.machine, memory: pages.memory, unit, now });
    this.interrupts = this.platform.interrupts;
    this.irq = new IrqCore({
      interrupts: this.interrupts,
      messages: this.platform.messages,
      clock: this.clock,
      ...this.remapping(kind, pages),
    });
    this.driver = new VfioPciDriver(
      {
        irq: this.irq,
        enable: new PciEnable(this.log, this.irq),
        log: this.log,
        clock: this.clock,
        why: this.why,
        core: {
          registerDevice: () => 0,
          unregisterDevice: () => 'done',
          groupOfFile: () => null,
          devices: this.registered,
        },
        bus: {
          devices: () => this.devices,
          siblings: (device) =>
            this.devices.filter(
              (d) => d.function.address.bus === device.function.address.bus && d.parent === device.parent,
            ),
        },
        groupOf: (device) => this.groups.get(device) ?? null,
      },
      parameters,
    );
    const memory = new AddressSpace(pages);
    this.process = new Task(1000, { parent: 1, name: 'user', uid: 0 }, { memlock: 1n << 26n, nofile: 1024 }, memory);
  }

  private remapping(
    kind: IommuKind,
    pages: PageAllocator,
  ): { remapper: InterruptRemapping; unit: UnitInterrupt | null } | object {
    const hardware = this.platform.units;
    const own = { hardware, allocator: pages, pool: new TablePool(pages), remapInterrupts: true };
    if (kind === 'intel-vtd') {
      const faults = new VtdFaultLog(this.log, this.clock);
      const driver = new IntelDriver({ ...own, log: this.log, faults, translate: false });
      return { remapper: new IntelRemapping(driver), unit: driver.interrupt };
    }
    if (kind !== 'amd-vi') return {};
    const faults = new AmdFaultLog(this.log, this.clock, { at: () => null, attached: () => true });
    const driver = new AmdDriver({ ...own, faults, tellsMaps: false });
    return { remapper: new AmdRemapping(driver, pages), unit: driver.interrupt };
  }

  private plug(fn: PciFunction): void {
    if (this.machine.functions.has(fn.name)) return;
    if (fn.parent !== null) this.plug(fn.parent);
    this.machine.add(fn);
  }

  bind(device: PciDevice): VfioPciDevice {
    this.plug(device.function);
    if (!this.devices.includes(device)) this.devices.push(device);
    device.driver = this.driver;
    const result = this.driver.probe(device);
    if (result < 0) throw new Error(`probe failed with ${result}`);
    return this.driver.of(device)!;
  }

  /** The Kestrel below its root port, bound and open. */
  openKestrel(): VfioPciDevice {
    const port = rootPort();
    const fn = kestrelFunction(0, port);
    const bridge = pciDevice(port, null, []);
    const vdev = this.bind(pciDevice(fn, bridge));
    const result = vdev.open();
    if (result < 0) throw new Error(`open failed with ${result}`);
    return vdev;
  }
}
