/** The PCI ID database: names of vendors, devices, subsystems and classes, and the way back from a name to its ids. */

interface DeviceEntry {
  readonly name: string;
  /** Subsystem names by subvendor << 16 | subdevice; null when there is none. */
  subsystems: Map<number, string> | null;
}

interface VendorEntry {
  readonly name: string;
  readonly devices: Map<number, DeviceEntry>;
}

interface SubclassEntry {
  readonly name: string;
  readonly interfaces: Map<number, string>;
}

interface ClassEntry {
  readonly name: string;
  readonly subclasses: Map<number, SubclassEntry>;
}

export class PciIdDatabase {
  private readonly vendors = new Map<number, VendorEntry>();
  private readonly classes = new Map<number, ClassEntry>();
  private vendorIdsByName: Map<string, number[]> | null = null;
  private classCodesByName: Map<string, number> | null = null;
  private readonly otherVendors = new Map<string, number[]>();
  /** By vendor, then by normalized name. */
  private readonly otherDevices = new Map<number, Map<string, number[]>>();

  /** Text of a `pci.ids` file. Lines that fit nowhere are skipped, as pciutils skips them. */
  constructor(text: string) {
    let vendor: VendorEntry | null = null;
    let device: DeviceEntry | null = null;
    let base: ClassEntry | null = null;
    let subclass: SubclassEntry | null = null;
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      if (line.startsWith('\t\t')) {
        if (base) {
          const id = parseInt(line.slice(2, 4), 16);
          subclass?.interfaces.set(id, line.slice(6));
        } else if (device) {
          const id = ((parseInt(line.slice(2, 6), 16) << 16) | parseInt(line.slice(7, 11), 16)) >>> 0;
          device.subsystems ??= new Map();
          device.subsystems.set(id, line.slice(13));
        }
      } else if (line.startsWith('\t')) {
        if (base) {
          subclass = { name: line.slice(5), interfaces: new Map() };
          base.subclasses.set(parseInt(line.slice(1, 3), 16), subclass);
        } else if (vendor) {
          device = { name: line.slice(7), subsystems: null };
          vendor.devices.set(parseInt(line.slice(1, 5), 16), device);
        }
      } else if (/^C [0-9a-f]{2} /i.test(line)) {
        base = { name: line.slice(6), subclasses: new Map() };
        subclass = null;
        this.classes.set(parseInt(line.slice(2, 4), 16), base);
      } else {
        vendor = { name: line.slice(6), devices: new Map() };
        device = null;
        base = null;
        if (/^[0-9a-f]{4} /i.test(line)) this.vendors.set(parseInt(line.slice(0, 4), 16), vendor);
      }
    }
  }

  /** Names by which other versions of the database know vendors and devices: `8086:a110 NAME`, `11f8 NAME`. */
  alsoCalled(text: string): void {
    for (const line of text.split('\n')) {
      const vendor = parseInt(line.slice(0, 4), 16);
      if (line[4] !== ':') push(this.otherVendors, line.slice(5), vendor);
      else {
        const devices = this.otherDevices.get(vendor) ?? new Map<string, number[]>();
        this.otherDevices.set(vendor, devices);
        push(devices, normalized(line.slice(10)), parseInt(line.slice(5, 9), 16));
      }
    }
  }

  vendor(id: number): string | null {
    return this.vendors.get(id)?.name ?? null;
  }

  device(vendor: number, id: number): string | null {
    return this.vendors.get(vendor)?.devices.get(id)?.name ?? null;
  }

  /** Name of a subsystem of a device; null when the database has none. */
  subsystem(vendor: number, device: number, subVendor: number, subDevice: number): string | null {
    const key = ((subVendor << 16) | subDevice) >>> 0;
    return this.vendors.get(vendor)?.devices.get(device)?.subsystems?.get(key) ?? null;
  }

  /** Name of a base class (`0x03`). */
  baseClass(base: number): string | null {
    return this.classes.get(base)?.name ?? null;
  }

  subclass(base: number, sub: number): string | null {
    return this.classes.get(base)?.subclasses.get(sub)?.name ?? null;
  }

  programmingInterface(base: number, sub: number, progIf: number): string | null {
    return this.classes.get(base)?.subclasses.get(sub)?.interfaces.get(progIf) ?? null;
  }

  /** Class code (base << 8 | subclass) that a class name stands for; null when no class is called that. */
  classOfName(name: string): number | null {
    if (this.classCodesByName === null) {
      this.classCodesByName = new Map();
      for (const [base, entry] of this.classes) {
        for (const [sub, subclass] of entry.subclasses) {
          if (!this.classCodesByName.has(subclass.name)) this.classCodesByName.set(subclass.name, (base << 8) | sub);
        }
        if (!this.classCodesByName.has(entry.name)) this.classCodesByName.set(entry.name, base << 8);
      }
    }
    return this.classCodesByName.get(name) ?? null;
  }

  /** Ids of the vendors that are called exactly that: some names stand for several. */
  vendorsOfName(name: string): readonly number[] {
    if (this.vendorIdsByName === null) {
      this.vendorIdsByName = new Map();
      for (const [id, vendor] of this.vendors) {
        const ids = this.vendorIdsByName.get(vendor.name);
        if (ids) ids.push(id);
        else this.vendorIdsByName.set(vendor.name, [id]);
      }
    }
    return this.vendorIdsByName.get(name) ?? this.otherVendors.get(name) ?? [];
  }

  /** The vendors whose name is the longest beginning of `text` that ends at a blank or the end, and what follows it. */
  splitVendor(text: string): { vendors: readonly number[]; rest: string } | null {
    for (let end = text.length; end > 0; end = text.lastIndexOf(' ', end - 1)) {
      const vendors = this.vendorsOfName(text.slice(0, end));
      if (vendors.length > 0) return { vendors, rest: text.slice(end).trim() };
    }
    return null;
  }

  /** Every device of the vendor that has exactly this name; else those that other versions call so. */
  devicesOfName(vendor: number, name: string): readonly number[] {
    const found: number[] = [];
    for (const [id, device] of this.vendors.get(vendor)?.devices ?? []) if (device.name === name) found.push(id);
    if (found.length > 0) return found;
    const wanted = normalized(name);
    const other = this.otherDevices.get(vendor)?.get(wanted);
    if (other) return other;
    for (const [id, device] of this.vendors.get(vendor)?.devices ?? []) {
      if (normalized(device.name) === wanted) found.push(id);
    }
    return found;
  }
}

function push(lists: Map<string, number[]>, name: string, id: number): void {
  const list = lists.get(name);
  if (list) list.push(id);
  else lists.set(name, [id]);
}

/** Chipset families that the database once called by their code names. */
const RENAMED: readonly (readonly [RegExp, string])[] = [
  [/^ibex peak /, '5 series/3400 series chipset '],
  [/^cougar point /, '6 series/c200 series chipset family '],
  [/^panther point /, '7 series/c216 chipset family '],
  [/^7 series\/c210 series chipset family /, '7 series/c216 chipset family '],
  [/^patsburg /, 'c600/x79 series chipset '],
  [/^lynx point-lp /, '8 series '],
  [/^lynx point /, '8 series/c220 series chipset family '],
  [/^wellsburg /, 'c610/x99 series chipset '],
  [/^sunrise point-h /, '100 series/c230 series chipset family '],
  [/^union point /, '200 series pch '],
];

/** Names of one device differ between versions in how they are written: `#1` and `1`, `PCI Express` and `PCIe`. */
function normalized(name: string): string {
  let plain = name.toLowerCase().replaceAll('#', '').replaceAll('pci express', 'pcie').replaceAll('pci-e ', 'pcie ');
  for (const [pattern, replacement] of RENAMED) plain = plain.replace(pattern, replacement);
  return plain.replace(/\s+/g, ' ').trim();
}
