/** What a port's registers and interrupt tell when its link fails or comes back (PCIe 6.7.3, 7.5.3.8, 7.5.3.11). */
import type { Interrupts } from './interrupts';
import type { PciFunction } from './pci/function';
import { busBehind } from './fabric/decode';
import { resetBelow } from './devices/reset';
import { trainLink } from './power-on';

const EXPRESS = 0x10;
const FLAGS = 0x02;
const SLOT_IMPLEMENTED = 0x100;
const LINK_STATUS = 0x12;
const LINK_ACTIVE = 0x2000;
const SLOT_CONTROL = 0x18;
const SLOT_STATUS = 0x1a;
const HOT_PLUG_INTERRUPT = 0x20;
const LINK_CHANGED_ENABLE = 0x1000;
const LINK_CHANGED = 0x100;

/** A port with a link below it. */
export const hasLink = (fn: PciFunction): boolean => fn.isBridge && busBehind(fn) === 'link';

/** The link's state as the port shows it, without a word to anybody. */
function changeLink(port: PciFunction, at: number, up: boolean): void {
  const { config } = port;
  port.linkUp = up;
  if (up) trainLink(port);
  else config.set(at + LINK_STATUS, 2, config.read(at + LINK_STATUS, 2) & ~LINK_ACTIVE);
}

const SLOT_CAPABILITIES = 0x14;
const POWER_CONTROLLER = 0x2;
const POWER_OFF = 0x400;

/** A slot with a power controller: without power the link is down and the card forgets everything (PCIe 6.7.1.8). */
export function followSlotPower(port: PciFunction): void {
  const { config } = port;
  const at = config.findCapability(EXPRESS);
  if (at === 0 || !(config.read(at + FLAGS, 2) & SLOT_IMPLEMENTED)) return;
  if (!(config.read(at + SLOT_CAPABILITIES, 4) & POWER_CONTROLLER)) return;
  config.onWrite(at + SLOT_CONTROL, at + SLOT_CONTROL + 2, () => {
    const powered = (config.read(at + SLOT_CONTROL, 2) & POWER_OFF) === 0;
    if (powered === port.linkUp) return;
    if (!powered) resetBelow(port);
    changeLink(port, at, powered);
    config.set(at + SLOT_STATUS, 2, config.read(at + SLOT_STATUS, 2) | LINK_CHANGED);
  });
}

const ATTENTION_BUTTON = 0x1;
const PRESSED = 0x1;
const PRESSED_ENABLE = 0x1;

/** A port whose slot has an attention button (PCIe 6.7.1.5). */
export function hasButton({ config }: PciFunction): boolean {
  const at = config.findCapability(EXPRESS);
  if (at === 0 || !(config.read(at + FLAGS, 2) & SLOT_IMPLEMENTED)) return false;
  return (config.read(at + SLOT_CAPABILITIES, 4) & ATTENTION_BUTTON) !== 0;
}

/** Sets an event of the slot, and interrupts where that event does. */
function tellSlot(port: PciFunction, event: number, enable: number, interrupts: Interrupts): void {
  const { config } = port;
  const at = config.findCapability(EXPRESS);
  config.set(at + SLOT_STATUS, 2, config.read(at + SLOT_STATUS, 2) | event);
  const enabled = HOT_PLUG_INTERRUPT | enable;
  if ((config.read(at + SLOT_CONTROL, 2) & enabled) === enabled) {
    interrupts.raiseVector(port, (config.read(at + FLAGS, 2) >>> 9) & 0x1f);
  }
}

/** Somebody presses the attention button. */
export const pressButton = (port: PciFunction, interrupts: Interrupts): void =>
  tellSlot(port, PRESSED, PRESSED_ENABLE, interrupts);

/** The link below a port goes down or comes up. Does nothing when it is so already. */
export function setLink(port: PciFunction, up: boolean, interrupts: Interrupts): void {
  const { config } = port;
  const at = config.findCapability(EXPRESS);
  if (at === 0 || port.linkUp === up) return;
  changeLink(port, at, up);
  if (!(config.read(at + FLAGS, 2) & SLOT_IMPLEMENTED)) return;
  tellSlot(port, LINK_CHANGED, LINK_CHANGED_ENABLE, interrupts);
}
