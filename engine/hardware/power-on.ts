/** What happens to a built machine before any operating system: links train, firmware numbers the interrupt pins. */
import type { HardwareMachine } from './machine';
import type { PciFunction } from './pci/function';
import { busBehind } from './fabric/decode';

const EXPRESS = 0x10;
const SLOT_IMPLEMENTED = 0x100;
const LINK_CAPABILITIES = 0x0c;
const LINK_STATUS = 0x12;
const SLOT_STATUS = 0x1a;
const SPEED_AND_WIDTH = 0x3ff;
const REPORTS_ACTIVE = 0x100000;
const ACTIVE = 0x2000;
const PRESENT = 0x40;

const fieldsOf = (capabilities: number): { speed: number; width: number } => ({
  speed: capabilities & 0xf,
  width: (capabilities >>> 4) & 0x3f,
});

const change = (fn: PciFunction, at: number, clear: number, set: number): void =>
  fn.config.set(at, 2, (fn.config.read(at, 2) & ~clear) | set);

/**
 * Brings the link below a port up at the speed and width that both ends have (PCIe 4.2.5, 7.5.3.8), or down where
 * nothing is there.
 */
export function trainLink(port: PciFunction): void {
  const at = port.config.findCapability(EXPRESS);
  if (at === 0 || busBehind(port) !== 'link') return;
  const own = port.config.read(at + LINK_CAPABILITIES, 4);
  const partners = port.children.filter((fn) => fn.physicalFunction === null);
  const other = partners.flatMap((fn) => {
    const place = fn.config.findCapability(EXPRESS);
    return place === 0 ? [] : [{ fn, place, ...fieldsOf(fn.config.read(place + LINK_CAPABILITIES, 4)) }];
  });
  const mine = fieldsOf(own);
  const reached = other[0] ?? (partners.length > 0 ? mine : null);
  // The fields mean nothing while the link is down; ports then show the slowest speed and no lane.
  const speed = reached === null ? 1 : Math.min(mine.speed, reached.speed);
  const width = reached === null ? 0 : Math.min(mine.width, reached.width);
  const up = reached !== null && own & REPORTS_ACTIVE ? ACTIVE : 0;
  change(port, at + LINK_STATUS, SPEED_AND_WIDTH | ACTIVE, speed | (width << 4) | up);
  for (const { fn, place } of other) change(fn, place + LINK_STATUS, SPEED_AND_WIDTH, speed | (width << 4));
  if (port.config.read(at + 2, 2) & SLOT_IMPLEMENTED) {
    change(port, at + SLOT_STATUS, PRESENT, partners.length > 0 ? PRESENT : 0);
  }
}

const INTERRUPT_LINE = 0x3c;
const INTERRUPT_PIN = 0x3d;
/** Numbers that firmware gives the four pins of the root bus, in turn. */
const LEGACY_LINES = [10, 10, 11, 11] as const;

/** The pin at the root bus: each bridge turns it by the device number below it (PCI-to-PCI bridge 1.2, 9.1). */
function rootPin(fn: PciFunction, pin: number): number {
  for (let at = fn; ; at = at.parent) {
    pin += at.address.device;
    if (at.parent === null) return pin & 3;
  }
}

function numberPin(fn: PciFunction): void {
  const pin = fn.config.read(INTERRUPT_PIN, 1);
  if (pin > 0) fn.config.set(INTERRUPT_LINE, 1, LEGACY_LINES[rootPin(fn, pin - 1)]!);
}

export function powerOn(machine: HardwareMachine): void {
  for (const fn of machine.functions.values()) {
    if (fn.isBridge) trainLink(fn);
    numberPin(fn);
  }
}
