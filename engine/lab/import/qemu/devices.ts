/** Registers that a device of QEMU has at power-on: recorded ones, with what its options change. */
import { PortType } from '../../../hardware/pci/function';
import data from './devices.json';
import { igb } from './igb';
import type { QemuDevice } from './layout';
import { isOn } from './words';
import { lookUp } from '../../../hardware/lookup';

interface Recorded {
  readonly driver: string;
  readonly place: string;
  readonly options?: Readonly<Record<string, string | undefined>>;
  readonly size: number;
  /** Runs of bytes that are not zero, `offset:hex`. */
  readonly registers: string;
  readonly writable?: string;
  readonly writeOneToClear?: string;
  readonly notProbed?: readonly (readonly number[])[];
  /** `[row of resource, bytes, flags]` */
  readonly regions: readonly (readonly (number | string)[])[];
  readonly totalVfs?: number;
}

export interface DeviceRegisters {
  readonly bytes: Uint8Array;
  readonly writable: Uint8Array | null;
  readonly writeOneToClear: Uint8Array | null;
  readonly notProbed: [number, number][];
  readonly regions: readonly { readonly row: number; readonly size: number; readonly flags: string }[];
  readonly totalVfs: number;
}

/** Virtio devices differ in their IDs and class only: `[device type, class, ID of the transitional device]`. */
const VIRTIO: Readonly<Record<string, readonly [type: number, classCode: number, transitional: number | null]>> = {
  'virtio-net-pci': [1, 0x020000, 0x1000],
  'virtio-blk-pci': [2, 0x010000, 0x1001],
  'virtio-balloon-pci': [5, 0x00ff00, 0x1002],
  'virtio-serial-pci': [3, 0x078000, 0x1003],
  'virtio-scsi-pci': [8, 0x010000, 0x1004],
  'virtio-rng-pci': [4, 0x00ff00, 0x1005],
  'virtio-9p-pci': [9, 0x00ff00, 0x1009],
  'virtio-gpu-pci': [16, 0x038000, null],
  'virtio-vga': [16, 0x030000, null],
  'virtio-keyboard-pci': [18, 0x090000, null],
  'virtio-mouse-pci': [18, 0x090200, null],
  'virtio-tablet-pci': [18, 0x098000, null],
  'vhost-vsock-pci': [19, 0x078000, null],
  'vhost-user-fs-pci': [26, 0x018000, null],
};
const FIRST_MODERN = 0x1040;

/** Names under which QEMU has the same device twice. */
const SAME: Readonly<Record<string, string>> = {
  'nec-usb-xhci': 'qemu-xhci',
  'ich9-intel-hda': 'intel-hda',
  'e1000-82540em': 'e1000',
  'secondary-vga': 'VGA',
  'virtio-net-pci-non-transitional': 'virtio-net-pci',
  'virtio-blk-pci-non-transitional': 'virtio-blk-pci',
};

const RECORDED: readonly Recorded[] = data.devices as readonly Recorded[];

/** Options on which the list of capabilities depends. */
const shaped = (recorded: Recorded, device: QemuDevice): number =>
  Object.entries(recorded.options ?? {}).filter(([key, value]) => device.options.get(key) === value).length * 2 -
  Object.keys(recorded.options ?? {}).filter((key) => !device.options.has(key)).length * 3;

/** The recorded device nearest to what is asked for; null when there is none of its kind. */
function nearest(device: QemuDevice): Recorded | null {
  const name = lookUp(SAME, device.driver) ?? device.driver;
  const same = RECORDED.filter((one) => one.driver === name);
  const virtio = name in VIRTIO ? RECORDED.filter((one) => one.driver === 'virtio-rng-pci') : [];
  const score = (one: Recorded): number =>
    (one.place === device.place ? 100 : 0) + (one.driver === name ? 10 : 0) + shaped(one, device);
  return [...same, ...virtio].sort((a, b) => score(b) - score(a))[0] ?? null;
}

function unfold(runs: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const run of runs.split(' ')) {
    const [offset, hex] = run.split(':');
    for (let i = 0; hex !== undefined && i < hex.length; i += 2) {
      bytes[parseInt(offset!, 16) + i / 2] = parseInt(hex.slice(i, i + 2), 16);
    }
  }
  return bytes;
}

const word = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

function put(bytes: Uint8Array, at: number, width: number, value: number): void {
  for (let i = 0; i < width; i++) bytes[at + i] = (value >>> (8 * i)) & 0xff;
}

function standard(bytes: Uint8Array, id: number): number {
  let at = bytes[0x06]! & 0x10 ? bytes[0x34]! & 0xfc : 0;
  for (let left = 48; at >= 0x40 && left > 0; left--) {
    if (bytes[at] === id) return at;
    at = bytes[at + 1]! & 0xfc;
  }
  return 0;
}

function extended(bytes: Uint8Array, id: number): number {
  for (let at = 0x100, left = 480; at >= 0x100 && at + 4 <= bytes.length && left > 0; left--) {
    if (word(bytes, at) === id) return at;
    at = (word(bytes, at + 2) >> 4) & 0xffc;
  }
  return 0;
}

const EXPRESS = 0x10;
const SRIOV = 0x0010;

/** A device of a link that stands on the root bus is an integrated one: it has no link (PCIe 7.5.3.2). */
function integrate(bytes: Uint8Array): void {
  const at = standard(bytes, EXPRESS);
  if (at === 0 || bytes[at + 2]! >> 4 > 1) return;
  bytes[at + 2] = (bytes[at + 2]! & 0xf) | (PortType.IntegratedEndpoint << 4);
  bytes.fill(0, at + 0x0c, at + 0x14);
}

/** What the options write into the registers. */
function configure(device: QemuDevice, bytes: Uint8Array, place: string): void {
  const { options, driver } = device;
  if (isOn(options.get('multifunction'))) bytes[0x0e]! |= 0x80;
  if (place === 'link' && device.place === 'root') integrate(bytes);
  const express = standard(bytes, EXPRESS);
  const slot = Number(options.get('slot') ?? 0);
  if (express !== 0 && word(bytes, express + 2) & 0x100 && Number.isInteger(slot)) {
    const low = word(bytes, express + 0x14) & 0xffff;
    const high = word(bytes, express + 0x16) & 0x7;
    put(bytes, express + 0x14, 4, ((((slot & 0x1fff) << 19) | (high << 16)) >>> 0) + low);
  }
  const virtio = lookUp(VIRTIO, lookUp(SAME, driver) ?? driver);
  if (virtio !== undefined && word(bytes, 0) === 0x1af4) {
    const [type, classCode, transitional] = virtio;
    const modern = word(bytes, 2) >= FIRST_MODERN;
    put(bytes, 0x02, 2, modern || transitional === null ? FIRST_MODERN + type : transitional);
    put(bytes, 0x09, 3, classCode);
    if (!modern) put(bytes, 0x2e, 2, type);
  }
}

/** Virtual functions as many as asked for; the share of each in the BARs is the recorded one's. */
function virtualFunctions(device: QemuDevice, bytes: Uint8Array, recorded: Recorded): number {
  const at = extended(bytes, SRIOV);
  const wanted = Number(device.options.get('sriov_max_vfs') ?? recorded.totalVfs ?? 0);
  if (at === 0 || !Number.isInteger(wanted) || wanted < 1 || wanted > 127) return recorded.totalVfs ?? 0;
  put(bytes, at + 0x0c, 2, wanted);
  put(bytes, at + 0x0e, 2, wanted);
  return wanted;
}

/** Null when the lab has no registers of such a device. */
export function registersOf(device: QemuDevice): DeviceRegisters | null {
  if (device.driver === 'igb') {
    const made = igb();
    configure(device, made.bytes, 'link');
    return made;
  }
  const recorded = nearest(device);
  if (recorded === null) return null;
  const bytes = unfold(recorded.registers, recorded.size);
  configure(device, bytes, recorded.place);
  const totalVfs = virtualFunctions(device, bytes, recorded);
  const mask = (runs: string | undefined): Uint8Array | null =>
    runs === undefined ? null : unfold(runs, recorded.size);
  return {
    bytes,
    writable: mask(recorded.writable),
    writeOneToClear: mask(recorded.writeOneToClear),
    notProbed: (recorded.notProbed ?? []).map(([from, to]) => [from!, to!] as [number, number]),
    regions: recorded.regions.map(([row, size, flags]) => ({
      row: Number(row),
      size: Number(row) >= 7 ? (Number(size) / Math.max(1, recorded.totalVfs ?? 1)) * totalVfs : Number(size),
      flags: String(flags),
    })),
    totalVfs,
  };
}
