/** Native hot-plug slots: what pciehp does on events of a port and on writes to `power` (pci-linux.md 5.1). */
import { ERRNO } from '../errno';
import type { KernelLog } from '../log';
import { afterwards, inTurn } from '../pending';
import type { PendingCall } from '../process/files';
import type { WhyLog } from '../why';
import type { PciDevice } from './device';
import { LEVEL, devicePrefix } from './enable';
import { hasHotplugSlot } from './port-services';

const EXPRESS = 0x10;
const LINK_CAPABILITIES = 0x0c;
const REPORTS_ACTIVE = 0x100000;
const LINK_STATUS = 0x12;
const LINK_ACTIVE = 0x2000;
const SLOT_CAPABILITIES = 0x14;
const SLOT_CONTROL = 0x18;
const SLOT_STATUS = 0x1a;
const SLOT_CAPABILITIES_2 = 0x34;

/** Slot Capabilities (PCIe 7.5.3.9). */
const CAN = { attentionButton: 0x1, powerControl: 0x2, powerIndicator: 0x10, hotPlug: 0x40, noCompletion: 0x40000 };
/** Slot Control (PCIe 7.5.3.10). */
const CONTROL = { button: 0x1, presence: 0x8, completion: 0x10, interrupt: 0x20, powerOff: 0x400, link: 0x1000 };
const POWER_INDICATOR = 0x300;
const INDICATOR_ON = 0x100;
const INDICATOR_OFF = 0x300;
/** Slot Status (PCIe 7.5.3.11). */
const EVENT = { button: 0x1, powerFault: 0x2, presence: 0x8, link: 0x100 };
const PRESENT = 0x40;

export interface HotplugServices {
  readonly log: KernelLog;
  readonly why: WhyLog;
  childrenOf(port: PciDevice): PciDevice[];
  remove(device: PciDevice): number | PendingCall;
  /** Finds and adds what answers below the port. */
  scanBelow(port: PciDevice): number;
  /** Runs while no other scan or removal does. */
  exclusively(act: () => number | PendingCall): number | PendingCall;
  /** Firmware of this root bus left native hot-plug to Linux (_OSC). */
  readonly native: (rootBus: string) => boolean;
}

export class Hotplug {
  private readonly services: HotplugServices;
  /** Slots whose functions are leaving: nothing is added before they are gone. */
  private readonly leaving = new Set<PciDevice>();

  constructor(services: HotplugServices) {
    this.services = services;
  }

  /** The port has a slot that Linux drives. */
  drives(port: PciDevice): boolean {
    return hasHotplugSlot(port) && this.services.native(port.function.rootBus);
  }

  /** The service binds: its line in the log, its events, and power off where no card is. */
  attach(port: PciDevice): void {
    const at = port.config.findCapability(EXPRESS);
    const can = this.capabilities(port);
    const flag = (name: string, on: boolean): string => `${name}${on ? '+' : '-'}`;
    const reports = (port.config.read(at + LINK_CAPABILITIES, 4) & REPORTS_ACTIVE) !== 0;
    const words = [
      flag('AttnBtn', (can & 0x1) !== 0),
      flag('PwrCtrl', (can & 0x2) !== 0),
      flag('MRL', (can & 0x4) !== 0),
      flag('AttnInd', (can & 0x8) !== 0),
      flag('PwrInd', (can & 0x10) !== 0),
      flag('HotPlug', (can & 0x40) !== 0),
      flag('Surprise', (can & 0x20) !== 0),
      flag('Interlock', (can & 0x20000) !== 0),
      flag('NoCompl', (can & CAN.noCompletion) !== 0),
      flag('IbPresDis', (port.config.read(at + SLOT_CAPABILITIES_2, 4) & 1) !== 0),
      flag('LLActRep', reports),
    ].join(' ');
    this.say(port, `pciehp: Slot #${can >>> 19} ${words}`);
    this.acknowledge(port);
    const events =
      CONTROL.link |
      CONTROL.interrupt |
      (can & CAN.attentionButton ? CONTROL.button : CONTROL.presence) |
      (can & CAN.noCompletion ? 0 : CONTROL.completion);
    this.control(port, 0, events);
    if (!this.occupied(port)) this.power(port, false);
  }

  /** The port's interrupt: what changed decides (pci-linux.md 5.1, table of events). */
  interrupt(port: PciDevice): void {
    if (!this.drives(port)) return;
    const events = this.acknowledge(port);
    if (events & EVENT.powerFault) this.note(port, 'Power fault');
    if (!(events & (EVENT.presence | EVENT.link))) return;
    if (this.occupied(port)) this.cameOff(port, events);
    this.cameOn(port);
  }

  private cameOff(port: PciDevice, events: number): void {
    if (events & EVENT.link) this.note(port, 'Link Down');
    if (events & EVENT.presence) this.note(port, 'Card not present');
    this.takeAway(port, () => this.cameOn(port));
  }

  private cameOn(port: PciDevice): void {
    const { present, active } = this.seen(port);
    if (this.occupied(port) || this.leaving.has(port) || !active) return;
    if (present) this.note(port, 'Card present');
    if (active) this.note(port, 'Link Up');
    this.bringIn(port);
  }

  /** Write to the slot's `power`: 0, or a negative errno; waits while a function is held by a user of VFIO. */
  setPower(port: PciDevice, text: string): number | PendingCall {
    const { why } = this.services;
    const value = text.trim();
    if (value !== '0' && value !== '1') return why.refuse(ERRNO.EINVAL, 'slot.power', `"${value}" is neither 0 nor 1.`);
    if (value === '1') {
      if (this.occupied(port)) {
        this.note(port, 'Already enabled');
        return why.refuse(ERRNO.ENODEV, 'slot.power', 'The slot is on.');
      }
      if (!this.seen(port).present) return why.refuse(ERRNO.ENODEV, 'slot.power', 'There is no card in the slot.');
      return this.bringIn(port);
    }
    if (!this.occupied(port)) {
      this.note(port, 'Already disabled');
      return why.refuse(ERRNO.ENODEV, 'slot.power', 'The slot is off.');
    }
    return this.takeAway(port, () => undefined);
  }

  private bringIn(port: PciDevice): number | PendingCall {
    this.power(port, true);
    this.acknowledge(port);
    if (!this.seen(port).active) {
      this.note(port, 'No link');
      this.power(port, false);
      return 0;
    }
    const { exclusively, scanBelow } = this.services;
    return exclusively(() => scanBelow(port));
  }

  /** Functions leave last to first; then the slot has no power, and what the loss of power changed is dropped. */
  private takeAway(port: PciDevice, then: () => void): number | PendingCall {
    const { childrenOf, remove, exclusively } = this.services;
    this.leaving.add(port);
    const leave = (): number | PendingCall =>
      inTurn(
        childrenOf(port)
          .reverse()
          .map((child) => () => remove(child)),
      );
    return afterwards(exclusively(leave), (result) => {
      this.leaving.delete(port);
      if (result < 0) return result;
      if (this.seen(port).active) this.power(port, false);
      this.acknowledge(port);
      then();
      return 0;
    });
  }

  /** Functions of the slot's card are on the bus. */
  private occupied(port: PciDevice): boolean {
    return this.services.childrenOf(port).length > 0;
  }

  private seen(port: PciDevice): { present: boolean; active: boolean } {
    const at = port.config.findCapability(EXPRESS);
    const present = (port.config.read(at + SLOT_STATUS, 2) & PRESENT) !== 0;
    const reports = (port.config.read(at + LINK_CAPABILITIES, 4) & REPORTS_ACTIVE) !== 0;
    return { present, active: reports ? (port.config.read(at + LINK_STATUS, 2) & LINK_ACTIVE) !== 0 : present };
  }

  private power(port: PciDevice, on: boolean): void {
    const can = this.capabilities(port);
    if (can & CAN.powerControl) this.control(port, on ? CONTROL.powerOff : 0, on ? 0 : CONTROL.powerOff);
    if (can & CAN.powerIndicator) this.control(port, POWER_INDICATOR, on ? INDICATOR_ON : INDICATOR_OFF);
  }

  private capabilities(port: PciDevice): number {
    return port.config.read(port.config.findCapability(EXPRESS) + SLOT_CAPABILITIES, 4);
  }

  private control(port: PciDevice, clear: number, set: number): void {
    const at = port.config.findCapability(EXPRESS) + SLOT_CONTROL;
    port.config.write(at, 2, (port.config.read(at, 2) & ~clear) | set);
  }

  /** Reads the events and clears them (each is cleared by a one). */
  private acknowledge(port: PciDevice): number {
    const at = port.config.findCapability(EXPRESS) + SLOT_STATUS;
    const events = port.config.read(at, 2) & (EVENT.button | EVENT.powerFault | EVENT.presence | EVENT.link);
    if (events !== 0) port.config.write(at, 2, events);
    return events;
  }

  private note(port: PciDevice, text: string): void {
    this.say(port, `pciehp: Slot(${this.capabilities(port) >>> 19}): ${text}`);
  }

  private say(port: PciDevice, text: string): void {
    this.services.log.print(LEVEL.INFO, `${devicePrefix(port)}${text}`);
  }
}
