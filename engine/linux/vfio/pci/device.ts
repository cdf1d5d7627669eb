import { ERRNO } from '../../errno';
import type { PciDevice } from '../../pci/device';
import { losesStateInD3, intxMaskingWorks, powerLevel, setIntx, setPowerState } from '../../pci/power';
import { tryResetWithState } from '../../pci/reset';
import type { SavedState } from '../../pci/state';
import { restoreState, saveState } from '../../pci/state';
import type { MappedRegion, MmapRequest } from '../../process/files';
import type { Process } from '../../process/process';
import { IRQ_INDEX, VFIO } from '../../uapi/vfio';
import { atomicCompletion } from './atomics';
import { ConfigFilter } from './config';
import { LowPower, deviceFeature } from './features';
import type { FilterHost, IrqType } from './filter';
import type { VfioDeviceOps } from '../device';
import { hotReset, hotResetInfo, resetSet } from './hot-reset';
import { fire } from './intx';
import { InterruptSetup, IRQ_COUNT } from './intrs';
import { IoEvents } from './ioeventfd';
import { buildLayout } from './layout';
import type { ConfigLayout } from './layout';
import { factsOf } from './facts';
import type { DriverContext, Refuse, SetMember } from './ops';
import { brokenIntx } from './quirks';
import { REGION_COUNT, Regions, mappableBars } from './regions';
import type { MsixWindow, RegionHost } from './regions';
import { UserStructure, pack } from './structure';
import { checkToken, parseDeviceName } from './tokens';
import type { VfToken } from './tokens';

const COMMAND = 0x04;
const INTX_DISABLE = 0x400;
const INTERRUPT_PIN = 0x3d;
const VGA_CLASS = 0x0300;
const DEVICE_FLAGS = { RESET: 1, PCI: 2, CAPS: 0x80 } as const;
const CAPABILITY_ATOMIC = 5;
const CAPABILITY_MSIX_MAPPABLE = 3;
const REGION_CAPS = 8;
const INFO_SIZE = 24;
const REGION_INFO_SIZE = 32;
const D3HOT = 3;

/** Everything that exists only while the device is open. */
interface OpenState {
  readonly filter: ConfigFilter;
  readonly regions: Regions;
  readonly ioEvents: IoEvents;
  readonly interrupts: InterruptSetup;
  readonly saved: SavedState;
}

/** A function bound to vfio-pci, as the vfio core sees it. */
export class VfioPciDevice implements VfioDeviceOps, SetMember {
  readonly device: PciDevice;
  /** What users of a PF and of its VFs must both know; null for other functions. */
  readonly token: VfToken | null;
  readonly lowPower = new LowPower();
  /** Set by closing without a reset that worked; a bus reset clears it. */
  needsReset = false;
  /** VFs were enabled through this driver. */
  enabledVfs = false;
  private readonly context: DriverContext;
  private readonly needsPmRestore: boolean;
  private state: OpenState | null = null;
  private resetWorks = false;
  private noIntx = false;
  private msiQmax = 0;
  private saveAtD3: SavedState | null = null;
  private suspended: SavedState | null = null;
  private maskedBySuspend = false;

  constructor(device: PciDevice, context: DriverContext, token: VfToken | null) {
    this.device = device;
    this.context = context;
    this.token = token;
    this.needsPmRestore = losesStateInD3(device);
  }

  get name(): string {
    return this.device.name;
  }

  get opened(): boolean {
    return this.state !== null;
  }

  /** The filter while open: what the config editor shows and explains. */
  get filter(): ConfigFilter | null {
    return this.state?.filter ?? null;
  }

  get interrupts(): InterruptSetup | null {
    return this.state?.interrupts ?? null;
  }

  get regions(): Regions | null {
    return this.state?.regions ?? null;
  }

  match(text: string): number {
    const token = parseDeviceName(this.name, text);
    if (token === undefined) return 0;
    if (typeof token === 'number') return this.refuse(token, 'token.format', `"${text}" is not a name with a token`);
    const { result, log } = checkToken(
      {
        isVirtual: this.device.isVirtual,
        parentToken: this.context.parentOf(this)?.token ?? null,
        ownToken: this.token,
      },
      token,
    );
    if (result === 0) return 1;
    if (log !== null) this.log(6, log);
    return this.refuse(result, 'token', log ?? 'the VF token does not fit');
  }

  open(): number {
    const { irq, enable } = this.context.services;
    this.resume();
    enable.clearMaster(this.device);
    const enabled = enable.enable(this.device);
    if (enabled < 0) {
      this.idle();
      return this.refuse(enabled, 'open.enable', `a BAR of ${this.name} has no address`, 'dmesg names the BAR');
    }
    const reset = tryResetWithState(this.device, this.context.services.bus, irq);
    if (reset === -ERRNO.EAGAIN) {
      enable.disable(this.device);
      this.idle();
      const found = `${this.name} is being unbound from its driver, and opening it has to reset it`;
      return this.refuse(reset, 'open.reset', found, 'wait for the unbind, or close the device so that it can go on');
    }
    this.resetWorks = reset === 0;
    const saved = saveState(this.device);
    this.prepareIntx();
    this.state = this.build(saved);
    const parent = this.context.parentOf(this);
    if (parent?.token) parent.token.users++;
    return 0;
  }

  /** An uncorrectable error was reported for the function: the ERR eventfd of whoever has it open is signalled. */
  reportError(): void {
    this.state?.interrupts.reportError();
  }

  close(): void {
    const state = this.state;
    if (state === null) return;
    const { enable, irq, bus } = this.context.services;
    const parent = this.context.parentOf(this);
    if (parent?.token && parent.token.users > 0) parent.token.users--;
    this.lowPower.leave();
    this.resume();
    this.changePower(0);
    enable.clearMaster(this.device);
    state.interrupts.disableAll();
    this.msiQmax = state.interrupts.msiQmax;
    state.ioEvents.clear();
    state.filter.virqDisabled = false;
    this.state = null;
    this.needsReset = true;
    this.device.config.write(COMMAND, 2, INTX_DISABLE);
    if (this.resetWorks && tryResetWithState(this.device, bus, irq) === 0) this.needsReset = false;
    restoreState(this.device, state.saved);
    enable.disable(this.device);
    tryResetSet(this, this.context);
    this.idle();
    state.interrupts.errors.err = null;
    state.interrupts.errors.req = null;
  }

  ioctl(process: Process, request: number, arg: bigint): number {
    return this.state === null ? -ERRNO.EINVAL : this.awake(() => this.dispatch(process, request, arg));
  }

  private dispatch(process: Process, request: number, arg: bigint): number {
    switch (request) {
      case VFIO.DEVICE_GET_INFO:
        return this.withStructure(process, arg, 16, (s) => this.getInfo(s));
      case VFIO.DEVICE_GET_REGION_INFO:
        return this.withStructure(process, arg, REGION_INFO_SIZE, (s) => this.getRegionInfo(s));
      case VFIO.DEVICE_GET_IRQ_INFO:
        return this.withStructure(process, arg, 16, (s) => this.getIrqInfo(s));
      case VFIO.DEVICE_SET_IRQS:
        return this.withStructure(process, arg, 20, (s) => this.state!.interrupts.setIrqs(process, s));
      case VFIO.DEVICE_RESET:
        return this.reset();
      case VFIO.DEVICE_GET_PCI_HOT_RESET_INFO:
        return this.withStructure(process, arg, 12, (s) => hotResetInfo(this, this.context, s));
      case VFIO.DEVICE_PCI_HOT_RESET:
        return this.withStructure(process, arg, 12, (s) => hotReset(this, this.context, process, s));
      case VFIO.DEVICE_IOEVENTFD:
        return this.withStructure(process, arg, 28, (s) => this.state!.ioEvents.set(process, s));
      case VFIO.DEVICE_FEATURE:
        return this.withStructure(process, arg, 8, (s) => deviceFeature(this, process, s));
      default:
        return this.refuse(ERRNO.ENOTTY, 'request', `vfio-pci has no request 0x${request.toString(16)}`);
    }
  }

  read(_process: Process, into: Uint8Array, offset: number): number {
    return this.transfer(into, offset, false);
  }

  write(_process: Process, data: Uint8Array, offset: number): number {
    return this.transfer(data, offset, true);
  }

  mmap(_process: Process, request: MmapRequest): MappedRegion | number {
    return this.state?.regions.map(request) ?? -ERRNO.EINVAL;
  }

  /** The driver is being unbound while the device is open; `count` is the round. */
  request(count: number): void {
    const trigger = this.state?.interrupts.errors.req ?? null;
    if (trigger !== null) {
      if (count % 10 === 0) this.log(5, `Relaying device request to user (#${count})`);
      fire(trigger, null);
    } else if (count === 0) {
      this.log(4, 'No device request channel registered, blocked until released by user');
    }
  }

  /** Mappings test on every access whether they may reach the device, so there is nothing to tear down here. */
  revokeMappings(): void {}

  /** D-state as the user asks for it: a device that forgets its registers in D3hot has them saved and put back. */
  changePower(state: number): number {
    if (this.device.virtualFunctions.length > 0 && state > 0) return -ERRNO.EBUSY;
    const current = powerLevel(this.device);
    if (this.needsPmRestore && current < D3HOT && state >= D3HOT) this.saveAtD3 = saveState(this.device);
    const result = setPowerState(this.device, state);
    const back = this.needsPmRestore && current >= D3HOT && powerLevel(this.device) < D3HOT;
    if (back && this.saveAtD3 !== null) {
      restoreState(this.device, this.saveAtD3);
      this.context.services.irq.messagesOf(this.device)?.restore();
      this.saveAtD3 = null;
    }
    return result;
  }

  /**
   * Runtime suspend. The kernel does it from a worker right after the last use; here it is done at once. INTx is held
   * back meanwhile, and a D3hot that the user asked for is given up.
   */
  suspend(): void {
    if (this.device.virtualFunctions.length > 0 || this.runtimeSuspended) return;
    const intx = this.state?.interrupts.intx;
    if (intx?.active && !intx.masked) {
      intx.mask();
      this.maskedBySuspend = true;
    }
    this.changePower(0);
    this.suspended = saveState(this.device);
    setPowerState(this.device, D3HOT);
  }

  resume(): void {
    if (this.suspended === null) return;
    setPowerState(this.device, 0);
    restoreState(this.device, this.suspended);
    this.context.services.irq.messagesOf(this.device)?.restore();
    this.suspended = null;
    if (this.maskedBySuspend) this.state?.interrupts.intx.unmask();
    this.maskedBySuspend = false;
    this.lowPower.wokenUp();
  }

  /** The last user is gone. */
  idle(): void {
    if (!this.context.parameters.disableIdleD3) this.suspend();
  }

  /** sysfs `power/runtime_status`. */
  get runtimeSuspended(): boolean {
    return this.suspended !== null;
  }

  tryReset(): number {
    return tryResetWithState(this.device, this.context.services.bus, this.context.services.irq);
  }

  /** What a user would see, compiled without opening. Changes nothing. */
  static preview(device: PciDevice, disabledIntx = false): ConfigLayout {
    return buildLayout(device.config, factsOf(device, disabledIntx));
  }

  log(level: number, text: string): void {
    this.context.services.log.print(level, `vfio-pci ${this.name}: ${text}`);
  }

  readonly refuse: Refuse = (errno, check, found, remedy = null) =>
    this.context.services.why.refuse(errno, `vfio.pci.${check}`, found, remedy);

  /** Runs an access with the device awake; one in low-power mode goes back to sleep afterwards. */
  private awake(run: () => number): number {
    this.resume();
    const result = run();
    if (this.lowPower.engaged) this.suspend();
    return result;
  }

  private transfer(data: Uint8Array, offset: number, write: boolean): number {
    const { state } = this;
    return state === null ? -ERRNO.EINVAL : this.awake(() => state.regions.transfer(data, offset, write));
  }

  private withStructure(
    process: Process,
    arg: bigint,
    minimum: number,
    run: (structure: UserStructure) => number,
  ): number {
    const structure = UserStructure.copy(process, arg, minimum);
    if (typeof structure !== 'number') return run(structure);
    return structure === -ERRNO.EFAULT
      ? this.refuse(structure, 'argument', `the first ${minimum} bytes of the structure cannot be read`)
      : this.refuse(structure, 'argsz', `argsz is less than ${minimum}`, `set argsz to at least ${minimum}`);
  }

  private prepareIntx(): void {
    this.noIntx = false;
    if (this.context.parameters.nointxmask) return;
    const { vendor, device } = this.device;
    if (brokenIntx(vendor, device)) {
      this.noIntx = true;
      this.log(6, 'Masking broken INTx support');
      setIntx(this.device, false);
    } else if (intxMaskingWorks(this.device)) {
      setIntx(this.device, true);
    }
  }

  private build(saved: SavedState): OpenState {
    const { device } = this;
    const { irq, bus } = this.context.services;
    const facts = factsOf(device, this.noIntx);
    const layout = buildLayout(device.config, facts);
    for (const text of layout.conflicts) this.log(4, text);
    const hardwarePin = device.config.read(INTERRUPT_PIN, 1);
    if (device.isVirtual && hardwarePin !== 0) this.log(4, `Hardware bug: VF reports bogus INTx pin ${hardwarePin}`);
    const interrupts = new InterruptSetup({
      device,
      irq,
      virqDisabled: () => this.state?.filter.virqDisabled ?? false,
      hasPin: hardwarePin !== 0 && !device.isVirtual && !this.noIntx,
      noIntx: this.noIntx,
      noIntxMask: this.context.parameters.nointxmask,
      isExpress: device.config.findCapability(0x10) !== 0,
      refuse: this.refuse,
    });
    interrupts.msiQmax = this.msiQmax;
    const filter = new ConfigFilter(device.config, layout, this.filterHost(interrupts));
    const msix = msixWindow(device);
    const regions = new Regions(this.regionHost(filter, msix, mappableBars(device, bus.devices())));
    return { filter, regions, interrupts, saved, ioEvents: new IoEvents(device, regions, msix, this.refuse) };
  }

  private filterHost(interrupts: InterruptSetup): FilterHost {
    const { device } = this;
    return {
      resources: device.resources,
      isVirtual: device.isVirtual,
      noIntx: this.noIntx,
      get irqType(): IrqType {
        return interrupts.irqType;
      },
      get msiQmax(): number {
        return interrupts.msiQmax;
      },
      revokeMappings: () => this.revokeMappings(),
      maskIntx: () => interrupts.intx.mask(),
      unmaskIntx: () => interrupts.intx.unmask(),
      setPowerState: (state) => void this.changePower(state),
      tryReset: () => void this.tryReset(),
      maxPayload: () => maxPayload(device),
      setMaxReadRequest: (bytes) => setMaxReadRequest(device, bytes),
      readVpd: () => null,
      writeVpd: () => false,
      log: (level, text) => this.log(level, text),
    };
  }

  private regionHost(filter: ConfigFilter, msix: MsixWindow | null, mappable: readonly boolean[]): RegionHost {
    const { lowPower } = this;
    return {
      device: this.device,
      configSize: filter.size,
      get memoryEnabled(): boolean {
        return filter.memoryEnabled;
      },
      get lowPower(): boolean {
        return lowPower.engaged;
      },
      hasVga: this.device.class >>> 8 === VGA_CLASS && !this.context.parameters.disableVga,
      mappable,
      msix,
      readConfig: (into, offset) => filter.read(into, offset),
      writeConfig: (data, offset) => filter.write(data, offset),
      refuse: this.refuse,
      log: (level, text) => this.log(level, text),
    };
  }

  private getInfo(s: UserStructure): number {
    const atomics = atomicCompletion(this.device);
    let flags = DEVICE_FLAGS.PCI | (this.resetWorks ? DEVICE_FLAGS.RESET : 0);
    let argsz = s.argsz;
    let capabilityOffset = 0;
    if (atomics !== 0) {
      flags |= DEVICE_FLAGS.CAPS;
      const capability = pack([CAPABILITY_ATOMIC, 2], [1, 2], [0, 4], [atomics, 4], [0, 4]);
      if (argsz < INFO_SIZE + capability.length) {
        argsz = INFO_SIZE + capability.length;
      } else {
        if (s.store(capability, INFO_SIZE) < 0) return -ERRNO.EFAULT;
        capabilityOffset = INFO_SIZE;
      }
    }
    const info = pack([argsz, 4], [flags, 4], [REGION_COUNT, 4], [IRQ_COUNT, 4], [capabilityOffset, 4], [0, 4]);
    return s.store(info.subarray(0, Math.min(s.argsz, INFO_SIZE)));
  }

  private getRegionInfo(s: UserStructure): number {
    const info = this.state!.regions.info(s.u32(8));
    if (info === null) return this.refuse(ERRNO.EINVAL, 'region.index', `${this.name} has no region ${s.u32(8)}`);
    let argsz = s.argsz;
    let capabilityOffset = 0;
    if (info.msixMappable) {
      const capability = pack([CAPABILITY_MSIX_MAPPABLE, 2], [1, 2], [0, 4]);
      if (argsz < REGION_INFO_SIZE + capability.length) {
        argsz = REGION_INFO_SIZE + capability.length;
      } else {
        if (s.store(capability, REGION_INFO_SIZE) < 0) return -ERRNO.EFAULT;
        capabilityOffset = REGION_INFO_SIZE;
      }
    }
    const flags = info.msixMappable ? info.flags | REGION_CAPS : info.flags;
    return s.store(
      pack([argsz, 4], [flags, 4], [info.index, 4], [capabilityOffset, 4], [info.size, 8], [info.offset, 8]),
    );
  }

  private getIrqInfo(s: UserStructure): number {
    const index = s.u32(8);
    const { interrupts } = this.state!;
    if (index >= IRQ_COUNT) return this.refuse(ERRNO.EINVAL, 'irq.index', `there is no interrupt index ${index}`);
    const express = this.device.config.findCapability(0x10) !== 0;
    if (index === IRQ_INDEX.ERR && !express) {
      return this.refuse(ERRNO.EINVAL, 'irq.err', `${this.name} is a conventional function and reports no errors`);
    }
    return s.store(pack([s.argsz, 4], [interrupts.flags(index), 4], [index, 4], [interrupts.count(index), 4]));
  }

  private reset(): number {
    if (!this.resetWorks) {
      return this.refuse(ERRNO.EINVAL, 'reset.method', `no reset of ${this.name} worked when it was opened`);
    }
    this.revokeMappings();
    this.changePower(0);
    const result = this.tryReset();
    return result < 0 ? this.refuse(result, 'reset.method', `no reset of ${this.name} works now`) : result;
  }
}

/** After the last close in a set: one bus reset for those that could not be reset alone. */
function tryResetSet(device: VfioPciDevice, context: DriverContext): void {
  const set = context.deviceSet(device);
  if (set.some((member) => member.opened) || !set.some((member) => member.needsReset)) return;
  const result = resetSet(device, context);
  if (result === 0) for (const member of set) member.needsReset = false;
}

function msixWindow(device: PciDevice): MsixWindow | null {
  const at = device.config.findCapability(0x11);
  if (at === 0) return null;
  const table = device.config.read(at + 4, 4);
  const from = (table & ~7) >>> 0;
  return { bar: table & 7, from, to: from + ((device.config.read(at + 2, 2) & 0x7ff) + 1) * 16 };
}

function maxPayload(device: PciDevice): number {
  const at = device.config.findCapability(0x10);
  return at === 0 ? 128 : 128 << ((device.config.read(at + 8, 2) >>> 5) & 7);
}

/** pcie_set_readrq: 128 to 4096 bytes; others leave the register as it is. */
function setMaxReadRequest(device: PciDevice, bytes: number): void {
  const at = device.config.findCapability(0x10);
  if (at === 0 || bytes < 128 || bytes > 4096) return;
  const code = 31 - Math.clz32(bytes) - 7;
  const control = device.config.read(at + 8, 2);
  device.config.write(at + 8, 2, (control & ~0x7000) | (code << 12));
}
