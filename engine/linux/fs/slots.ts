/** Hot-plug slots and their names: /sys/bus/pci/slots (pci-linux.md 5.1, 8.2). */
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from '../pci/device';
import { attribute, directory, listing, readOnly } from './attribute';
import type { FsContext } from './context';
import type { DirectoryNode, Node } from './node';
import { hex } from './numbers';
import { storeUevent } from './uevent';

/** Devices that a conventional bus has room for. */
const CONVENTIONAL_SLOTS = 32;
const HOT_PLUG_CAPABLE = 0x40;
const POWER_CONTROLLER = 0x2;
const MANUAL_LATCH = 0x04;
const ATTENTION_INDICATOR = 0x08;
const SLOT_IMPLEMENTED = 0x100;

interface Slot {
  readonly name: string;
  readonly port: PciDevice;
  readonly device: number;
  /** Slot Capabilities of a port; 0 where firmware drives the slot. */
  readonly capabilities: number;
}

function slotCapabilities(port: PciDevice): number {
  const at = port.config.findCapability(0x10);
  if (at === 0 || !(port.config.read(at + 2, 2) & SLOT_IMPLEMENTED)) return 0;
  return port.config.read(at + 0x14, 4);
}

/**
 * Where ACPI drives hot-plug, every bus below a hot-plug port has one slot and every conventional bus has all of them,
 * except where a bridge sits; they are numbered by device. A native slot bears the port's physical slot number; those
 * of a standard hot-plug controller are numbered by device too, from 1.
 */
export function findSlots(context: FsContext): Slot[] {
  const ports: PciDevice[] = [];
  for (const device of context.pci.devices.values()) if (device.function.isBridge) ports.push(device);
  const native = new Set<string>();
  for (const { function: fn } of ports) if (context.granted(fn.rootBus).hotplug) native.add(fn.rootBus);
  const isNative = (port: PciDevice): boolean => native.has(port.function.rootBus);
  const slots = ejectableSlots(context, ports, isNative);
  const names = new Set(slots.map((slot) => slot.name));
  const add = (port: PciDevice, number: number, device: number, capabilities: number): void => {
    let name = String(number);
    for (let n = 1; names.has(name); n++) name = `${number}-${n}`;
    names.add(name);
    slots.push({ name, port, device, capabilities });
  };
  for (const port of ports) {
    if (!isNative(port)) continue;
    const capabilities = slotCapabilities(port);
    if (!(capabilities & HOT_PLUG_CAPABLE) || context.pci.boundDriver(port) === null) continue;
    add(port, capabilities >>> 19, 0, capabilities);
  }
  for (const bridge of ports) {
    if (context.pci.boundDriver(bridge)?.name !== 'shpchp') continue;
    for (let device = 1; device < CONVENTIONAL_SLOTS; device++) add(bridge, device, device, 0);
  }
  return slots;
}

/** Slots that firmware drives. */
function ejectableSlots(
  context: FsContext,
  listed: readonly PciDevice[],
  isNative: (port: PciDevice) => boolean,
): Slot[] {
  const slots: Slot[] = [];
  const driven = listed.filter((port) => !isNative(port));
  if (driven.length === 0) return slots;
  const roots = new Map([...new Set(listed.map((port) => port.function.rootBus))].map((name, rank) => [name, rank]));
  const rank = (port: PciDevice): number => roots.get(port.function.rootBus)!;
  driven.sort((a, b) => rank(a) - rank(b) || busOf(a) - busOf(b));
  const cards = cardsByPlace(context);
  const bridges = new Map<PciDevice, Set<number>>();
  for (const bridge of listed) {
    if (bridge.parent === null) continue;
    const places = bridges.get(bridge.parent) ?? new Set();
    bridges.set(bridge.parent, places.add(bridge.function.address.device));
  }
  const taken = new Map<string, number>();
  for (const port of driven) {
    const type = port.portType;
    const express = type === PortType.RootPort || type === PortType.DownstreamPort;
    if (type === PortType.UpstreamPort || (express && !(slotCapabilities(port) & HOT_PLUG_CAPABLE))) continue;
    for (let device = 0; device < (express ? 1 : CONVENTIONAL_SLOTS); device++) {
      if (bridges.get(port)?.has(device) || !ejectable(port, cards.get(port)?.get(device))) continue;
      // The slot is listed first under a name of its own and then renamed, which skips the suffix -1.
      const count = (taken.get(String(device)) ?? 0) + 1;
      taken.set(String(device), count);
      slots.push({ name: count === 1 ? `${device}` : `${device}-${count}`, port, device, capabilities: 0 });
    }
  }
  return slots;
}

/** Function 0 of each place below a bridge. */
function cardsByPlace(context: FsContext): Map<PciDevice, Map<number, PciDevice>> {
  const cards = new Map<PciDevice, Map<number, PciDevice>>();
  for (const device of context.pci.devices.values()) {
    const { address } = device.function;
    if (device.parent === null || address.function !== 0) continue;
    const places = cards.get(device.parent) ?? new Map<number, PciDevice>();
    cards.set(device.parent, places);
    if (!places.has(address.device)) places.set(address.device, device);
  }
  return cards;
}

const DISPLAY = 0x03;

/**
 * Whether firmware can eject what is at a place: it describes the port and the card, and never ejects a display. Only a
 * recorded machine tells what its firmware describes; an empty place is described.
 */
function ejectable(port: PciDevice, card: PciDevice | undefined): boolean {
  return described(port) && (card === undefined || (described(card) && card.class >>> 16 !== DISPLAY));
}

function described(device: PciDevice): boolean {
  const names = device.attributes['sysfs'];
  return typeof names !== 'string' || names === '' || names.split(' ').includes('firmware_node');
}

const busOf = (port: PciDevice): number => (port.function.address.segment << 8) | port.config.read(0x19, 1);

/** Slots stay when a card goes; they go with their port. */
export function slotsDirectory(context: FsContext): DirectoryNode {
  const all = new Map(findSlots(context).map((slot) => [slot.name, slot]));
  const present = (slot: Slot): boolean => context.pci.devices.get(slot.port.name) === slot.port;
  return listing(
    () => [...all.values()].filter(present).map((slot) => slot.name),
    (name) => {
      const slot = all.get(name);
      return slot === undefined || !present(slot) ? null : slotDirectory(context, slot);
    },
  );
}

function slotDirectory(context: FsContext, { port, device, capabilities }: Slot): DirectoryNode {
  const segment = port.name.slice(0, port.name.indexOf(':'));
  const occupied = (): boolean =>
    context.pci.childrenOf(port).some((child) => child.function.address.device === device);
  const flag = () => readOnly(() => (occupied() ? '1\n' : '0\n'));
  const entries: Record<string, () => Node> = {
    adapter: flag,
    address: () => readOnly(() => `${segment}:${hex(port.config.read(0x19, 1), 2)}:${hex(device, 2)}\n`),
    power: () =>
      capabilities & POWER_CONTROLLER
        ? attribute({
            mode: 0o644,
            show: () => (occupied() ? '1\n' : '0\n'),
            store: (text) => context.actions.setSlotPower(port, text),
          })
        : flag(),
    uevent: () => attribute({ mode: 0o644, show: () => '', store: storeUevent }),
  };
  if (capabilities & MANUAL_LATCH) entries['latch'] = () => readOnly(() => '0\n');
  if (capabilities & ATTENTION_INDICATOR) {
    entries['attention'] = () =>
      attribute({
        mode: 0o644,
        show: () => `${context.actions.hotplug.attention(port)}\n`,
        store: (text) => {
          context.actions.hotplug.setAttention(port, parseInt(text, 10) || 0);
          return 0;
        },
      });
  }
  return directory(entries);
}
