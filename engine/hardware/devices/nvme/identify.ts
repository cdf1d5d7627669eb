/** What Identify and Get Log Page bring (NVMe 1.4, 5.14, 5.15). */
import type { PciFunction } from '../../pci/function';
import { BLOCK, LARGEST_TRANSFER_ORDER, VERSION } from './registers';

const STRUCTURE = 4096;
const NAMESPACE = 1;

/** What a drive is besides its registers. */
export interface Drive {
  readonly serial: string;
  readonly model: string;
  readonly blocks: number;
}

function structure(fill: (view: DataView, text: (at: number, length: number, value: string) => void) => void) {
  const bytes = new Uint8Array(STRUCTURE);
  const text = (at: number, length: number, value: string): void => {
    for (let i = 0; i < length; i++) bytes[at + i] = i < value.length ? value.charCodeAt(i) & 0x7f : 0x20;
  };
  fill(new DataView(bytes.buffer), text);
  return bytes;
}

/** Event requests that may wait, and entries of the error log, minus one. */
export const EVENT_LIMIT = 3;

function controller(fn: PciFunction, { serial, model }: Drive): Uint8Array {
  return structure((view, text) => {
    view.setUint16(0, fn.config.read(0x00, 2), true);
    view.setUint16(2, fn.config.read(0x2c, 2), true);
    text(4, 20, serial);
    text(24, 40, model);
    text(64, 8, '1.0');
    view.setUint8(77, LARGEST_TRANSFER_ORDER);
    view.setUint32(80, VERSION, true);
    view.setUint8(258, EVENT_LIMIT);
    view.setUint8(259, EVENT_LIMIT);
    view.setUint8(262, EVENT_LIMIT);
    view.setUint8(512, 0x66);
    view.setUint8(513, 0x44);
    view.setUint32(516, NAMESPACE, true);
    // Write Zeroes; a volatile write cache.
    view.setUint16(520, 0x0008, true);
    view.setUint8(525, 0x01);
    const name = `nqn.2014-08.org.nvmexpress:${serial}`;
    text(768, name.length, name);
  });
}

function namespace({ blocks }: Drive): Uint8Array {
  return structure((view) => {
    for (const at of [0, 8, 16]) view.setBigUint64(at, BigInt(blocks), true);
    view.setUint8(128 + 2, Math.log2(BLOCK));
  });
}

function activeNamespaces(after: number): Uint8Array {
  return structure((view) => {
    if (after < NAMESPACE) view.setUint32(0, NAMESPACE, true);
  });
}

/** The structure that CNS names for namespace `nsid`; null: there is none, `'namespace'`: there is no such namespace. */
export function identify(fn: PciFunction, drive: Drive, cns: number, nsid: number): Uint8Array | 'namespace' | null {
  switch (cns) {
    case 0x00:
      if (nsid === NAMESPACE) return namespace(drive);
      return nsid === 0xffffffff ? namespace({ ...drive, blocks: 0 }) : 'namespace';
    case 0x01:
      return controller(fn, drive);
    case 0x02:
      return activeNamespaces(nsid);
    default:
      return null;
  }
}

const LOG_LENGTHS: Readonly<Record<number, number>> = { 0x01: 64 * (EVENT_LIMIT + 1), 0x02: 512, 0x03: 512 };

/** The log page of this identifier, null where there is none: errors, health, firmware slots. */
export function logPage(id: number): Uint8Array | null {
  const length = LOG_LENGTHS[id];
  if (length === undefined) return null;
  const bytes = new Uint8Array(length);
  if (id === 0x02) {
    // 300 K, all of the spare blocks left.
    new DataView(bytes.buffer).setUint16(1, 300, true);
    bytes[3] = 100;
    bytes[4] = 10;
  }
  if (id === 0x03) bytes[0] = 0x01;
  return bytes;
}
