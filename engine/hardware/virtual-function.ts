/** The silicon of an SR-IOV virtual function: what appears when a physical function's VF Enable bit is set (PCIe 9.3.4). */
import { RecordedDevice } from './devices/recorded';
import { wireResets } from './devices/reset';
import type { VirtualFunctionSource } from './devices/virtual-source';
import { isVirtualSource } from './devices/virtual-source';
import type { HardwareMachine } from './machine';
import type { PciAddress } from './pci/address';
import { ConfigSpace } from './pci/config-space';
import { PciFunction } from './pci/function';
import { deriveMasks } from './pci/masks';

const SRIOV_CAPABILITY = 0x10;
const MSIX_CAPABILITY = 0x11;
const MSI_CAPABILITY = 0x05;
const CONTROL = 0x08;
const VF_ENABLE = 0x1;

/** Address of VF `index` (from 0): First VF Offset and VF Stride count from the physical function's routing ID. */
export function virtualFunctionAddress(pf: PciFunction, index: number): PciAddress {
  const at = pf.config.findExtendedCapability(SRIOV_CAPABILITY);
  const offset = pf.config.read(at + 0x14, 2);
  const stride = pf.config.read(at + 0x16, 2);
  const { segment, bus, device, function: number } = pf.address;
  const id = ((bus << 8) | (device << 3) | number) + offset + stride * index;
  return { segment, bus: (id >>> 8) & 0xff, device: (id >>> 3) & 0x1f, function: id & 7 };
}

/** Takes an extended capability out of the list; its bytes read zero. */
function dropExtended(space: ConfigSpace, id: number): void {
  const at = space.findExtendedCapability(id);
  if (at === 0) return;
  const next = space.read(at, 4) >>> 20;
  for (let before = 0x100; before !== 0 && before < space.size;) {
    const header = space.read(before, 4);
    if (header >>> 20 === at) {
      space.set(before, 4, ((header & 0xfffff) | (next << 20)) >>> 0);
      break;
    }
    before = header >>> 20;
  }
  const end = next > at ? next : Math.min(space.size, at + 0x40);
  for (const bytes of [space.bytes, space.writable, space.writeOneToClear]) bytes.fill(0, at, end);
}

/** Registers after power-on, from another VF of the same kind, else from the physical function. */
function registersOf(pf: PciFunction, sibling: PciFunction | null): ConfigSpace {
  const source = sibling ?? pf;
  const space = new ConfigSpace(4096);
  space.bytes.set(source.config.bytes);
  space.writable.set(source.config.writable);
  space.writeOneToClear.set(source.config.writeOneToClear);
  space.set(0x00, 4, 0xffffffff);
  space.set(0x04, 2, 0);
  for (let at = 0x10; at < 0x28; at += 4) space.set(at, 4, 0);
  space.set(0x30, 4, 0);
  space.set(0x3c, 1, 0);
  space.bytes[0x0e]! &= 0x7f;
  if (sibling === null) {
    dropExtended(space, SRIOV_CAPABILITY);
    space.writable.fill(0, 0, 0x40);
    space.writable[0x04] = 0x04;
  }
  for (const [id, clear] of [
    [MSI_CAPABILITY, 0x71],
    [MSIX_CAPABILITY, 0xc000],
  ] as const) {
    const at = space.findCapability(id);
    if (at !== 0) space.set(at + 2, 2, space.read(at + 2, 2) & ~clear);
  }
  return space;
}

/** Registers as the physical function's model tells them. A virtual function has a bus master bit and little more. */
function registersFrom(source: VirtualFunctionSource): ConfigSpace {
  const space = new ConfigSpace(4096, (made) => {
    deriveMasks(made, []);
    made.writable.fill(0, 0, 0x40);
    made.writable[0x04] = 0x04;
  });
  space.bytes.set(source.virtualRegisters());
  return space;
}

const followed = new WeakSet<PciFunction>();

/**
 * Without VF Enable there are no virtual functions: whoever still asks one gets no answer (PCIe 9.3.3.3.1). Needed once
 * for a physical function that has some.
 */
export function followVirtualEnable(machine: HardwareMachine, pf: PciFunction): void {
  if (followed.has(pf)) return;
  followed.add(pf);
  const at = pf.config.findExtendedCapability(SRIOV_CAPABILITY);
  if (at === 0) return;
  pf.config.onWrite(at + CONTROL, at + CONTROL + 2, () => {
    if (pf.config.read(at + CONTROL, 2) & VF_ENABLE) return;
    for (const vf of [...pf.virtualFunctions]) vanish(machine, pf, vf);
  });
}

/** Off the fabric; its registers are kept as the pattern for the next one. */
function vanish(machine: HardwareMachine, pf: PciFunction, vf: PciFunction): void {
  const { config } = vf;
  const kept = new ConfigSpace(config.size);
  kept.bytes.set(config.bytes);
  kept.writable.set(config.writable);
  kept.writeOneToClear.set(config.writeOneToClear);
  machine.remove(vf);
  retired.set(pf, new PciFunction(vf.address, kept, vf.parent, vf.rootBus));
  config.bytes.fill(0xff);
  config.sealed = true;
  config.changes.count++;
}

/** `sizes[n]` is the length of VF BAR n. */
export function addVirtualFunction(
  machine: HardwareMachine,
  pf: PciFunction,
  index: number,
  sizes: readonly number[],
): PciFunction {
  followVirtualEnable(machine, pf);
  const source = isVirtualSource(pf.model) ? pf.model : null;
  if (source !== null) {
    const made = new PciFunction(virtualFunctionAddress(pf, index), registersFrom(source), pf.parent, pf.rootBus);
    made.physicalFunction = pf;
    made.model = machine.attach(source.virtualModel(made, sizes, index));
    wireResets(made);
    machine.add(made);
    return made;
  }
  const sibling =
    [...machine.functions.values()].find(
      (fn) =>
        fn.physicalFunction !== null &&
        fn.physicalFunction.config.read(0, 4) === pf.config.read(0, 4) &&
        fn.physicalFunction.config.size === pf.config.size,
    ) ??
    retired.get(pf) ??
    null;
  const fn = new PciFunction(virtualFunctionAddress(pf, index), registersOf(pf, sibling), pf.parent, pf.rootBus);
  fn.physicalFunction = pf;
  fn.model = machine.attach(new RecordedDevice(fn, sizes));
  machine.add(fn);
  return fn;
}

/** The last VF that was taken away: the pattern for the next one. */
const retired = new WeakMap<PciFunction, PciFunction>();

export function removeVirtualFunction(machine: HardwareMachine, fn: PciFunction): void {
  if (fn.physicalFunction !== null) retired.set(fn.physicalFunction, fn);
  machine.remove(fn);
}
