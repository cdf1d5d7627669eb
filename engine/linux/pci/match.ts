/** Which driver takes which function, and the texts of new_id and remove_id (pci-linux.md 7.1, 7.3). */
import type { PciDevice, PciDeviceId, PciDriver } from './device';

export const ANY_ID = 0xffffffff;

export const idOf = (vendor: number, device: number, more: Partial<PciDeviceId> = {}): PciDeviceId => ({
  vendor,
  device,
  subvendor: ANY_ID,
  subdevice: ANY_ID,
  class: 0,
  classMask: 0,
  overrideOnly: false,
  ...more,
});

/** Every function of a class: `classId(0x010802)`; fewer bits count with a mask. */
export const classId = (classCode: number, classMask = 0xffffffff): PciDeviceId =>
  idOf(ANY_ID, ANY_ID, { class: classCode, classMask });

/** What a match looks at. */
export interface Identity {
  vendor: number;
  device: number;
  subvendor: number;
  subdevice: number;
  class: number;
}

/** Subsystem IDs: in the header of type 0, in capability 0x0d of a bridge. */
export function subsystemOf(device: PciDevice): {
  vendor: number;
  device: number;
} {
  const { config, found } = device;
  if (found !== null) return { vendor: found.subsystem & 0xffff, device: found.subsystem >>> 16 };
  if ((config.read(0x0e, 1) & 0x7f) === 0) return { vendor: config.read(0x2c, 2), device: config.read(0x2e, 2) };
  const at = config.findCapability(0x0d);
  return at === 0 ? { vendor: 0, device: 0 } : { vendor: config.read(at + 4, 2), device: config.read(at + 6, 2) };
}

export function identityOf(device: PciDevice): Identity {
  const subsystem = subsystemOf(device);
  return {
    vendor: device.vendor,
    device: device.device,
    subvendor: subsystem.vendor,
    subdevice: subsystem.device,
    class: device.class,
  };
}

const same = (wanted: number, found: number): boolean => wanted === ANY_ID || wanted === found;

export const idMatches = (id: PciDeviceId, found: Identity): boolean =>
  same(id.vendor, found.vendor) &&
  same(id.device, found.device) &&
  same(id.subvendor, found.subvendor) &&
  same(id.subdevice, found.subdevice) &&
  ((id.class ^ found.class) & id.classMask) === 0;

/** The rule of 7.1: override first, then dynamic IDs, then the static table. */
export function driverMatches(driver: PciDriver, device: PciDevice): boolean {
  const override = device.driverOverride;
  if (override !== null && override !== driver.name) return false;
  return override !== null || tablesMatch(driver, identityOf(device));
}

/** Dynamic IDs and the entries of the static table that need no override. */
export const tablesMatch = (driver: PciDriver, found: Identity): boolean =>
  driver.dynamicIds.some((id) => idMatches(id, found)) ||
  driver.ids.some((id) => !id.overrideOnly && idMatches(id, found));

/** Leading hex numbers of a text, as sscanf with `%x %x …` takes them (at most `limit`). */
export function hexFields(text: string, limit: number): number[] {
  const fields: number[] = [];
  let rest = text;
  while (fields.length < limit) {
    const match = /^\s*(?:0x)?([0-9a-f]+)/i.exec(rest);
    if (!match) break;
    fields.push(Number(BigInt(`0x${match[1]!}`) & 0xffffffffn));
    rest = rest.slice(match[0].length);
  }
  return fields;
}

/** `pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00` */
export function modalias(device: PciDevice): string {
  const { vendor, device: id, subvendor, subdevice, class: code } = identityOf(device);
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
  const byte = (shift: number): string => hex((code >>> shift) & 0xff, 2);
  return `pci:v${hex(vendor, 8)}d${hex(id, 8)}sv${hex(subvendor, 8)}sd${hex(subdevice, 8)}bc${byte(16)}sc${byte(8)}i${byte(0)}`;
}
