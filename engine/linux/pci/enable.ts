/** Enabling a function, bus mastering and power states, as drivers and sysfs ask for them (pci-linux.md 4.5). */
import { ERRNO } from '../errno';
import type { KernelLog } from '../log';
import type { PciDevice } from './device';
import { BRIDGE_RESOURCES, ROM_RESOURCE } from './device';
import { setPowerState } from './power';
import { RESOURCE_IO, RESOURCE_MEMORY, RESOURCE_UNSET, resourceName, resourceText } from './resource';

const COMMAND = 0x04;
const COMMAND_IO = 0x1;
const COMMAND_MEMORY = 0x2;
const COMMAND_MASTER = 0x4;
const INTX_DISABLE = 0x400;
const LATENCY_TIMER = 0x0d;
const INTERRUPT_PIN = 0x3d;

/** Syslog levels. */
export const LEVEL = {
  ALERT: 1,
  CRIT: 2,
  ERR: 3,
  WARNING: 4,
  NOTICE: 5,
  INFO: 6,
} as const;

/** What gives an interrupt pin its number; the interrupt core. */
export interface PinRouter {
  enablePin(device: PciDevice): void;
  messagesOf(device: PciDevice): object | null;
}

/** Prefix of a line about a device: `vfio-pci 0000:01:00.0: ` while a driver holds it, else `pci 0000:01:00.0: `. */
export const devicePrefix = (device: PciDevice): string => `${device.driver?.name ?? 'pci'} ${device.name}: `;

export class PciEnable {
  private readonly log: KernelLog;
  private readonly pins: PinRouter;

  constructor(log: KernelLog, pins: PinRouter) {
    this.log = log;
    this.pins = pins;
  }

  /** pci_enable_device: 0 or a negative errno. Counts; the hardware is touched on the first one only. */
  enable(device: PciDevice): number {
    if (device.enableCount > 0) {
      device.enableCount++;
      return 0;
    }
    this.enableBridge(device.parent);
    setPowerState(device, 0);
    const result = this.enableResources(device);
    if (result < 0) return result;
    device.enableCount = 1;
    if (this.pins.messagesOf(device) === null) {
      this.pins.enablePin(device);
      const command = device.config.read(COMMAND, 2);
      if (device.config.read(INTERRUPT_PIN, 1) !== 0 && command & INTX_DISABLE) {
        device.config.write(COMMAND, 2, command & ~INTX_DISABLE);
      }
    }
    return 0;
  }

  /** pci_disable_device: the last one takes bus mastering away; decoding stays on. */
  disable(device: PciDevice): void {
    if (device.enableCount === 0) return;
    device.enableCount--;
    if (device.enableCount === 0) this.clearMaster(device);
  }

  /** pci_set_master; a conventional function with a small latency timer gets 64. */
  setMaster(device: PciDevice): void {
    const command = device.config.read(COMMAND, 2);
    if (!(command & COMMAND_MASTER)) device.config.write(COMMAND, 2, command | COMMAND_MASTER);
    if (device.config.findCapability(0x10) === 0 && device.config.read(LATENCY_TIMER, 1) < 16) {
      device.config.write(LATENCY_TIMER, 1, 64);
    }
  }

  clearMaster(device: PciDevice): void {
    const command = device.config.read(COMMAND, 2);
    if (command & COMMAND_MASTER) device.config.write(COMMAND, 2, command & ~COMMAND_MASTER);
  }

  /** pci_enable_bridge: everything above is on and masters the bus before the function is. */
  private enableBridge(bridge: PciDevice | null): void {
    if (bridge === null) return;
    this.enableBridge(bridge.parent);
    if (bridge.enableCount > 0) {
      this.setMaster(bridge);
      return;
    }
    const result = this.enable(bridge);
    if (result < 0) {
      this.log.print(LEVEL.ERR, `${devicePrefix(bridge)}Error enabling bridge (${result}), continuing`);
    }
    this.setMaster(bridge);
  }

  private enableResources(device: PciDevice): number {
    const old = device.config.read(COMMAND, 2);
    let command = old;
    for (let i = 0; i < device.resources.length; i++) {
      const resource = device.resources[i]!;
      const { flags } = resource;
      if (!(flags & (RESOURCE_IO | RESOURCE_MEMORY))) continue;
      if (i === ROM_RESOURCE && !(flags & 1n)) continue;
      if (i > ROM_RESOURCE && i < BRIDGE_RESOURCES) continue;
      if (flags & RESOURCE_UNSET) {
        this.log.print(
          LEVEL.ERR,
          `${devicePrefix(device)}${resourceName(i)} ${resourceText(resource)}: not assigned; can't enable device`,
        );
        return -ERRNO.EINVAL;
      }
      command |= flags & RESOURCE_IO ? COMMAND_IO : COMMAND_MEMORY;
    }
    if (command !== old) {
      const hex = (value: number): string => value.toString(16).padStart(4, '0');
      this.log.print(LEVEL.INFO, `${devicePrefix(device)}enabling device (${hex(old)} -> ${hex(command)})`);
      device.config.write(COMMAND, 2, command);
    }
    return 0;
  }
}
