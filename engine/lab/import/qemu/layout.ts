/** Where QEMU puts the PCI devices of a command line: buses by id, device numbers as asked for or the next free one. */
import { ImportError } from '../error';
import type { Properties } from './words';
import { isOn, readProperties } from './words';
import { lookUp } from '../../../hardware/lookup';

/** `root`: a root bus, `link`: below a port, `switch`: inside a switch, `shared`: conventional PCI. */
export type BusPlace = 'root' | 'link' | 'switch' | 'shared';

interface Bus {
  readonly id: string;
  readonly place: BusPlace;
  /** The bridge it is behind; null: a root bus. */
  readonly above: QemuDevice | null;
  /** Number of the root bus. */
  readonly root: number;
  /** By `device.function`. */
  readonly taken: Map<string, string>;
  /** First device number that is given out. */
  readonly first: number;
}

export interface QemuDevice {
  readonly driver: string;
  readonly options: ReadonlyMap<string, string>;
  readonly place: BusPlace;
  readonly above: QemuDevice | null;
  readonly root: number;
  readonly device: number;
  readonly function: number;
}

export interface QemuLayout {
  /** Bridges before what is behind them. */
  readonly devices: QemuDevice[];
  /** The IOMMU that is no PCI function: `intel-iommu,…`. */
  readonly iommu: Properties | null;
  readonly machine: Properties;
  /** Guest kernel's command line, `-append`. */
  readonly cmdline: string;
  /** What has no place in the picture, as it was written. */
  readonly leftOut: string[];
}

/** Devices that are no PCI functions of their own. */
const ELSEWHERE =
  /^(?:isa-|usb-|scsi-|ide-|hda-|i2c-|tpm-|sd-|nvme-ns|nvme-subsys|virtserialport|virtconsole|vmgenid|pvpanic$|vmcoreinfo|pc-dimm|nvdimm|virtio-mem-device|loader|floppy|kvm-|smbus-|edid|applesmc|isa|vfio-ap|[\w-]+-(?:device|ccw)$)/;

const BEHIND: Readonly<Record<string, BusPlace>> = {
  'pcie-root-port': 'link',
  ioh3420: 'link',
  'xio3130-downstream': 'link',
  'x3130-upstream': 'switch',
  'pcie-pci-bridge': 'shared',
  'pci-bridge': 'shared',
  'i82801b11-bridge': 'shared',
  'pxb-pcie': 'root',
  pxb: 'root',
};

/** Bridges with a hot-plug controller of their own keep the first device number for it. */
const FIRST_DEVICE: Readonly<Record<string, number>> = { 'pci-bridge': 1, 'pcie-pci-bridge': 1 };

/** Functions that the board has before any `-device`. */
const BOARD: Readonly<Record<string, readonly (readonly [driver: string, device: number, fn: number])[]>> = {
  q35: [
    ['q35-host', 0, 0],
    ['ich9-lpc', 0x1f, 0],
    ['ich9-ahci', 0x1f, 2],
    ['ich9-smbus', 0x1f, 3],
  ],
};

const DEVICES = 32;

/** Displays by the names of `-vga`. */
const DISPLAYS: Readonly<Record<string, string>> = {
  std: 'VGA',
  cirrus: 'cirrus-vga',
  vmware: 'vmware-svga',
  qxl: 'qxl-vga',
  virtio: 'virtio-vga',
};
/** With one of these as `-device` there is no display by default. */
const REPLACES_DISPLAY =
  /^(?:VGA|isa-vga|cirrus-vga|isa-cirrus-vga|vmware-svga|qxl-vga|virtio-vga|virtio-vga-gl|ati-vga|vhost-user-vga)$/;
/** What a network card is called in `-nic`, where not by its device. */
const CARDS: Readonly<Record<string, string>> = { virtio: 'virtio-net-pci', e1000: 'e1000', ne2k: 'ne2k_pci' };
const DEFAULT_CARD = 'e1000e';

/** USB controllers of `-usb`: their functions of slot 1d. */
const USB: readonly (readonly [string, number])[] = [
  ['ich9-usb-uhci1', 0],
  ['ich9-usb-uhci2', 1],
  ['ich9-usb-uhci3', 2],
  ['ich9-usb-ehci1', 7],
];
const USB_SLOT = 0x1d;

class Board {
  readonly devices: QemuDevice[] = [];
  private readonly buses = new Map<string, Bus>();

  addBus(bus: Omit<Bus, 'taken'>): void {
    if (this.buses.has(bus.id)) throw new ImportError(`has two buses called ${bus.id}`);
    this.buses.set(bus.id, { ...bus, taken: new Map() });
  }

  put(driver: string, options: ReadonlyMap<string, string>, fixed: readonly [number, number] | null): void {
    const name = options.get('bus') ?? 'pcie.0';
    const bus = this.buses.get(name) ?? this.buses.get(name.replace(/^pci\.0$/, 'pcie.0'));
    if (!bus) throw new ImportError(`-device ${driver}: there is no bus ${name}`);
    const [device, fn] = fixed ?? this.addressOf(driver, options, bus);
    const key = `${device}.${fn}`;
    const other = bus.taken.get(key);
    if (other !== undefined) {
      throw new ImportError(`-device ${driver}: slot ${device} function ${fn} of bus ${bus.id} has ${other} already`);
    }
    bus.taken.set(key, driver);
    const placed: QemuDevice = {
      driver,
      options,
      place: bus.place,
      above: bus.above,
      root: bus.root,
      device,
      function: fn,
    };
    this.devices.push(placed);
    const behind = lookUp(BEHIND, driver);
    if (behind === undefined) return;
    const id = options.get('id') ?? `${driver}.${this.devices.length}`;
    if (behind === 'root') {
      const root = parseNumber(options.get('bus_nr') ?? '');
      if (root === null || root < 1 || root > 255) throw new ImportError(`-device ${driver}: bus_nr must be 1 to 255`);
      this.addBus({ id, place: 'root', above: null, root, first: 0 });
    } else {
      this.addBus({ id, place: behind, above: placed, root: bus.root, first: lookUp(FIRST_DEVICE, driver) ?? 0 });
    }
  }

  private addressOf(driver: string, options: ReadonlyMap<string, string>, bus: Bus): [number, number] {
    const text = options.get('addr');
    if (text === undefined) {
      for (let device = bus.first; device < DEVICES; device++) if (!bus.taken.has(`${device}.0`)) return [device, 0];
      throw new ImportError(`-device ${driver}: bus ${bus.id} is full`);
    }
    const match = /^(?:0x)?([0-9a-f]{1,2})(?:\.(?:0x)?([0-7]))?$/i.exec(text);
    if (!match || parseInt(match[1]!, 16) >= DEVICES) {
      throw new ImportError(`-device ${driver}: addr=${text} is no device number`);
    }
    return [parseInt(match[1]!, 16), Number(match[2] ?? 0)];
  }
}

const parseNumber = (text: string): number | null => {
  const value = /^(?:0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : NaN;
  return Number.isInteger(value) ? value : null;
};

/** Options with a value besides those that are read: the word that follows is no option. */
const NO_VALUE =
  /^-(?:nodefaults|nographic|no-[\w-]+|enable-kvm|S|s|daemonize|snapshot|usb|full-screen|nouserconfig|only-migratable|h|help|version)$/;

interface Given {
  readonly option: string;
  readonly value: string;
}

/** What the board makes before any `-device`: a display, network cards, USB; in QEMU's order. */
function putBoardDevices(board: Board, given: readonly Given[], machine: Properties): void {
  const valuesOf = (...names: string[]): string[] =>
    given.filter(({ option }) => names.includes(option)).map(({ value }) => value);
  const bare = valuesOf('-nodefaults').length > 0;
  const devices = valuesOf('-device').map((value) => readProperties(value, 'driver').name);
  const vga = valuesOf('-vga').at(-1) ?? (bare || devices.some((name) => REPLACES_DISPLAY.test(name)) ? 'none' : 'std');
  const display = DISPLAYS[vga];
  if (display !== undefined) board.put(display, new Map(), null);
  const cards = given.flatMap(({ option, value }) => {
    const { name, options } = readProperties(value, 'type');
    if (option === '-nic') return name === 'none' ? [] : [options.get('model') ?? DEFAULT_CARD];
    return option === '-net' && name === 'nic' ? [options.get('model') ?? DEFAULT_CARD] : [];
  });
  const byDefault = !bare && valuesOf('-nic', '-net', '-netdev').length === 0;
  for (const card of byDefault ? [DEFAULT_CARD] : cards) board.put(CARDS[card] ?? card, new Map(), null);
  if (valuesOf('-usb').length === 0 && !isOn(machine.options.get('usb'))) return;
  for (const [driver, fn] of USB) board.put(driver, new Map([['multifunction', 'on']]), [USB_SLOT, fn]);
}

/** Devices that other options make, after those of `-device`. */
const laterDevices = (given: readonly Given[]): string[] =>
  given.flatMap(({ option, value }) => {
    if (option === '-drive')
      return readProperties(value, 'file').options.get('if') === 'virtio' ? ['virtio-blk-pci'] : [];
    return option === '-virtfs' ? ['virtio-9p-pci'] : [];
  });

/** Throws ImportError when two devices want one place, or one wants a bus that is not there. */
export function layOut(words: readonly string[]): QemuLayout {
  const given = words.flatMap((word, index) => {
    if (!word.startsWith('-') || word === '-') return [];
    const value = NO_VALUE.test(word) ? '' : (words[index + 1] ?? '');
    return [{ option: word.replace(/^--/, '-'), value }];
  });
  const valueOf = (...names: string[]): string | undefined =>
    given.findLast(({ option }) => names.includes(option))?.value;
  const machine = readProperties(valueOf('-machine', '-M') ?? 'q35', 'type');
  if (!/^(?:pc-)?q35/.test(machine.name)) {
    throw new ImportError(
      `machine ${machine.name || 'pc'}: only q35 has PCI Express, which VFIO is about; use -machine q35`,
    );
  }
  const board = new Board();
  board.addBus({ id: 'pcie.0', place: 'root', above: null, root: 0, first: 1 });
  for (const [driver, device, fn] of BOARD['q35']!) board.put(driver, new Map(), [device, fn]);
  putBoardDevices(board, given, machine);
  const leftOut: string[] = [];
  let iommu: Properties | null = null;
  for (const { option, value } of given) {
    if (option !== '-device') continue;
    const { name, options } = readProperties(value, 'driver');
    if (name === 'intel-iommu') iommu = { name, options };
    else if (ELSEWHERE.test(name)) leftOut.push(name);
    else board.put(name, options, null);
    if (name === 'amd-iommu' || name === 'virtio-iommu-pci') iommu = { name, options };
  }
  for (const driver of laterDevices(given)) board.put(driver, new Map(), null);
  checkSlots(board.devices);
  return { devices: board.devices, iommu, machine, cmdline: valueOf('-append') ?? '', leftOut };
}

/** A function beside function 0 is found only when function 0 says that it is one of several, and QEMU insists on it. */
function checkSlots(devices: readonly QemuDevice[]): void {
  for (const device of devices) {
    if (device.function === 0) continue;
    const zero = devices.find(
      (other) =>
        other.above === device.above &&
        other.root === device.root &&
        other.device === device.device &&
        other.function === 0,
    );
    if (zero && !isOn(zero.options.get('multifunction')) && !zero.driver.startsWith('ich9-')) {
      throw new ImportError(
        `-device ${zero.driver}: multifunction=on is missing, so ${device.driver} at function ${device.function} of its slot cannot be`,
      );
    }
  }
}
