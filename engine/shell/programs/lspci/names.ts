/** Names with numbers, as `-n` and `-nn` ask for them. */
import type { PciIdDatabase } from '../../pci-ids';
import { hex } from './format';

/** 0: names, 1: numbers (`-n`), 2: both (`-nn`). */
export type NumericMode = 0 | 1 | 2;

export class Names {
  private readonly ids: PciIdDatabase | null;
  readonly mode: NumericMode;

  constructor(ids: PciIdDatabase | null, mode: NumericMode) {
    this.ids = ids;
    this.mode = mode;
  }

  className(code: number): string {
    const number = hex(code, 4);
    if (this.mode === 1) return number;
    const name = this.ids?.subclass(code >> 8, code & 0xff) ?? null;
    if (name !== null) return this.mode === 2 ? `${name} [${number}]` : name;
    const base = this.ids?.baseClass(code >> 8) ?? null;
    if (base !== null) return `${base} [${number}]`;
    return this.mode === 2 ? `Class [${number}]` : `Class ${number}`;
  }

  /** Also with `-n`. */
  programmingInterface(code: number, progIf: number): string | null {
    return this.ids?.programmingInterface(code >> 8, code & 0xff, progIf) ?? null;
  }

  private both(vendor: number, device: number, vendorName: string | null, deviceName: string | null): string {
    const numbers = `${hex(vendor, 4)}:${hex(device, 4)}`;
    if (this.mode === 1) return numbers;
    if (vendorName !== null && deviceName !== null) {
      return this.mode === 2 ? `${vendorName} ${deviceName} [${numbers}]` : `${vendorName} ${deviceName}`;
    }
    if (vendorName !== null) {
      return this.mode === 2 ? `${vendorName} Device [${numbers}]` : `${vendorName} Device ${hex(device, 4)}`;
    }
    return this.mode === 2 ? `Device [${numbers}]` : `Device ${numbers}`;
  }

  device(vendor: number, device: number): string {
    return this.both(vendor, device, this.ids?.vendor(vendor) ?? null, this.ids?.device(vendor, device) ?? null);
  }

  private subsystemName(vendor: number, device: number, subVendor: number, subDevice: number): string | null {
    const named = this.ids?.subsystem(vendor, device, subVendor, subDevice) ?? null;
    if (named !== null) return named;
    return vendor === subVendor && device === subDevice ? (this.ids?.device(vendor, device) ?? null) : null;
  }

  subsystem(vendor: number, device: number, subVendor: number, subDevice: number): string {
    const name = this.subsystemName(vendor, device, subVendor, subDevice);
    return this.both(subVendor, subDevice, this.ids?.vendor(subVendor) ?? null, name);
  }

  private single(number: number, name: string | null, kind: string): string {
    const digits = hex(number, 4);
    if (this.mode === 1) return digits;
    if (name !== null) return this.mode === 2 ? `${name} [${digits}]` : name;
    return this.mode === 2 ? `${kind} [${digits}]` : `${kind} ${digits}`;
  }

  vendorOnly(vendor: number): string {
    return this.single(vendor, this.ids?.vendor(vendor) ?? null, 'Vendor');
  }

  deviceOnly(vendor: number, device: number): string {
    return this.single(device, this.ids?.device(vendor, device) ?? null, 'Device');
  }

  subsystemVendorOnly(vendor: number): string {
    return this.single(vendor, this.ids?.vendor(vendor) ?? null, 'Unknown vendor');
  }

  subsystemDeviceOnly(vendor: number, device: number, subVendor: number, subDevice: number): string {
    return this.single(subDevice, this.subsystemName(vendor, device, subVendor, subDevice), 'Device');
  }
}
