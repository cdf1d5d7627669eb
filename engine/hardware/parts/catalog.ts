/** All parts, in the order of the palette. */
import { expressToPci, pciToExpress, pciToPci } from './library/bridges';
import { pciNetwork, pciSerial, pciSound } from './library/conventional';
import { gpu } from './library/graphics';
import { edu, ivshmem, plainDevice, testdev } from './library/laboratory';
import { e1000e } from './library/network';
import { labNic, labNicSriov } from './library/nic';
import { rootComplex } from './library/root-complex';
import { rootPort } from './library/root-port';
import { nvme } from './library/storage';
import { isolatingSwitch, plainSwitch } from './library/switches';
import { xhci } from './library/usb';
import type { Part } from './part';

export const PARTS: readonly Part[] = [
  rootComplex,
  rootPort,
  isolatingSwitch,
  plainSwitch,
  expressToPci,
  pciToPci,
  pciToExpress,
  labNic,
  labNicSriov,
  e1000e,
  nvme,
  gpu,
  xhci,
  edu,
  ivshmem,
  testdev,
  plainDevice,
  pciSound,
  pciNetwork,
  pciSerial,
];

const BY_ID: ReadonlyMap<string, Part> = new Map(PARTS.map((part) => [part.id, part]));

export const partById = (id: string): Part | null => BY_ID.get(id) ?? null;
