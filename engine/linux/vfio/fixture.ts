/** A small VFIO stack for tests and measurements: real groups, containers and memory below a driver without hardware. */
import type { MachineDescription } from '../../hardware/description';
import { Clock } from '../clock';
import { IommuCore } from '../iommu/core';
import { fixtureDevices } from '../iommu/fixture';
import { KernelLog } from '../log';
import type { PciDevice } from '../pci/device';
import type { OpenFile } from '../process/files';
import type { Task } from '../process/table';
import { ProcessTable } from '../process/table';
import { VFIO } from '../uapi/vfio';
import { WhyLog } from '../why';
import { noiommuBackend, TYPE1_BACKENDS } from './backends';
import { VfioCore } from './core';
import type { VfioDeviceOps } from './device';
import { defaultVfioParameters } from './parameters';

const description = (bits: number, interruptRemapping: boolean): MachineDescription => ({
  format: 'vfiolab-machine/1',
  name: 'fixture',
  about: '',
  source: 'built',
  booted: true,
  iommu: 'intel-vtd',
  iommuUnit: { interruptRemapping, addressBits: bits, scalableMode: false, cachingMode: false },
  kernel: {
    release: '6.12.0',
    build: 'iommufd',
    cmdline: 'intel_iommu=on',
    modules: [],
    moduleOptions: {},
    drivers: [],
  },
  functions: [],
  recordedGroups: null,
  unknown: [],
});

/** A bus driver that keeps a record of what VFIO asks it. */
export class FixtureDriver implements VfioDeviceOps {
  readonly name: string;
  readonly calls: string[] = [];

  constructor(name: string) {
    this.name = name;
  }

  match(text: string): number {
    return text === this.name ? 1 : 0;
  }

  open(): number {
    this.calls.push('open');
    return 0;
  }

  close(): void {
    this.calls.push('close');
  }

  ioctl(): number {
    return -25;
  }

  read(): number {
    return 0;
  }

  write(): number {
    return 0;
  }

  mmap(): number {
    return -22;
  }

  request(count: number): void {
    this.calls.push(`request ${count}`);
  }
}

export class VfioFixture {
  readonly clock = new Clock();
  readonly log = new KernelLog(() => this.clock.now);
  readonly why = new WhyLog();
  readonly processes = new ProcessTable();
  readonly parameters = defaultVfioParameters();
  readonly iommu: IommuCore;
  readonly core: VfioCore;
  readonly devices: PciDevice[];
  readonly drivers: FixtureDriver[];

  /** As many endpoints, each below a root port with ACS and so in a group of its own. */
  constructor(count = 2, options: { bits?: number; interruptRemapping?: boolean } = {}) {
    const machine = description(options.bits ?? 39, options.interruptRemapping ?? true);
    this.iommu = new IommuCore({ description: machine, log: this.log, why: this.why });
    const hex = (value: number): string => value.toString(16).padStart(2, '0');
    const specs = Array.from({ length: count }, (_, i) => [
      { at: `0000:00:${hex(i + 1)}.0`, type: 'RootPort', acs: [0x1f, 0x1d], secondary: i + 1 } as const,
      { at: `0000:${hex(i + 1)}:00.0`, type: 'Endpoint', below: `0000:00:${hex(i + 1)}.0` } as const,
    ]).flat();
    const all = fixtureDevices(specs);
    this.iommu.boot(all);
    this.core = new VfioCore({
      iommu: this.iommu,
      clock: this.clock,
      log: this.log,
      why: this.why,
      parameters: this.parameters,
      features: { noiommu: true, cdev: true, container: true },
      taint: () => {},
    });
    for (const backend of [noiommuBackend, ...TYPE1_BACKENDS]) this.core.registerBackend(backend);
    this.devices = all.filter((_, i) => i % 2 === 1);
    this.drivers = this.devices.map((device) => new FixtureDriver(device.name));
    this.devices.forEach((device, i) => this.core.registerDevice(device, this.drivers[i]!));
  }

  groupId(index: number): number {
    return this.iommu.groupOf(this.devices[index]!)!.id;
  }
}

/** A program: descriptors, structures in its memory, requests. */
export class Program {
  readonly process: Task;
  private readonly fixture: VfioFixture;
  private readonly room: number;
  private readonly roomAddress: bigint;
  private readonly bytes = new Uint8Array(4096);
  private readonly view = new DataView(this.bytes.buffer);
  private readonly mapBytes = this.bytes.subarray(0, 32);
  private readonly unmapBytes = this.bytes.subarray(0, 24);

  constructor(fixture: VfioFixture, uid = 0) {
    this.fixture = fixture;
    this.process = fixture.processes.spawn({ parent: 0, name: 'program', uid });
    this.roomAddress = this.process.memory.allocate(4096n);
    this.room = Number(this.roomAddress);
  }

  install(file: OpenFile | number): number {
    return typeof file === 'number' ? file : this.process.files.install(file);
  }

  openContainer(): number {
    return this.install(this.fixture.core.openContainer(this.process));
  }

  openGroup(index: number): number {
    return this.install(this.fixture.core.openGroup(this.process, this.fixture.groupId(index)));
  }

  /** A request with a number as its argument. */
  plain(fd: number, request: number, arg = 0n): number {
    return this.process.files.get(fd)!.ioctl!(this.process, request, arg) as number;
  }

  setContainer(group: number, container: number): number {
    this.view.setInt32(0, container, true);
    return this.send(group, VFIO.GROUP_SET_CONTAINER, this.bytes.subarray(0, 4));
  }

  deviceFd(group: number, name: string): number {
    this.bytes.fill(0, 0, name.length + 1);
    this.bytes.set(new TextEncoder().encode(name));
    return this.send(group, VFIO.GROUP_GET_DEVICE_FD, this.bytes.subarray(0, name.length + 1));
  }

  map(container: number, vaddr: bigint, iova: bigint, size: bigint, flags = 3): number {
    this.view.setUint32(0, 32, true);
    this.view.setUint32(4, flags, true);
    this.view.setBigUint64(8, vaddr, true);
    this.view.setBigUint64(16, iova, true);
    this.view.setBigUint64(24, size, true);
    return this.send(container, VFIO.IOMMU_MAP_DMA, this.mapBytes);
  }

  /** `map` and `unmap` of a range below 2^53, filled in as a program in C does: without a number of 64 bits on the heap. */
  mapQuickly(container: number, vaddr: number, iova: number, size: number): number {
    this.view.setUint32(0, 32, true);
    this.view.setUint32(4, 3, true);
    this.put(8, vaddr);
    this.put(16, iova);
    this.put(24, size);
    return this.send(container, VFIO.IOMMU_MAP_DMA, this.mapBytes);
  }

  /** Bytes unmapped, or a negative errno. */
  unmapQuickly(container: number, iova: number, size: number): number {
    this.view.setUint32(0, 24, true);
    this.view.setUint32(4, 0, true);
    this.put(8, iova);
    this.put(16, size);
    const result = this.send(container, VFIO.IOMMU_UNMAP_DMA, this.unmapBytes);
    if (result < 0) return result;
    this.process.memory.copyIn(this.room, this.unmapBytes);
    return this.view.getUint32(16, true) + this.view.getUint32(20, true) * 2 ** 32;
  }

  private put(at: number, value: number): void {
    this.view.setUint32(at, value % 2 ** 32, true);
    this.view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }

  /** Bytes unmapped, or a negative errno. */
  unmap(container: number, iova: bigint, size: bigint, flags = 0): bigint {
    this.view.setUint32(0, 24, true);
    this.view.setUint32(4, flags, true);
    this.view.setBigUint64(8, iova, true);
    this.view.setBigUint64(16, size, true);
    const result = this.send(container, VFIO.IOMMU_UNMAP_DMA, this.unmapBytes);
    if (result < 0) return BigInt(result);
    this.process.memory.copyIn(this.room, this.unmapBytes);
    return this.view.getBigUint64(16, true);
  }

  /** Entries that the container may still map (capability 3). */
  available(container: number): number {
    this.view.setUint32(0, 512, true);
    this.send(container, VFIO.IOMMU_GET_INFO, this.bytes.subarray(0, 16));
    this.process.memory.copyIn(this.room, this.bytes.subarray(0, 512));
    return this.view.getUint32(64, true);
  }

  private send(fd: number, request: number, structure: Uint8Array): number {
    this.process.memory.copyOut(this.room, structure);
    return this.plain(fd, request, this.roomAddress);
  }
}
