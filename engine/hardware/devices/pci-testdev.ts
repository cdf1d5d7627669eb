/**
 * QEMU's PCI test device (docs/specs/pci-testdev): three tests in each of a memory BAR (0) and an I/O BAR (1), which
 * count writes. A test begins when its number is written to byte 0. Then the BAR shows
 *
 * 0x00 test number · 0x01 width and kind of the access · 0x04 offset of the place · 0x08 value that counts
 * 0x0c count of the writes so far · 0x10 name, ending with 0
 *
 * Writes that QEMU lets the kernel count by an eventfd (tests 1 and 2) are counted here as well.
 */
import type { PciFunction } from '../pci/function';
import { ActingDevice } from './acting-device';
import type { DeviceRegister } from './data-sheet';

const MEMORY_PLACE = 2048;
const PORT_PLACE = 128;
const VALUE = 0xfa;
const ACCESS_BYTE = 1;
const NAMES = ['no-eventfd', 'wildcard-eventfd', 'datamatch-eventfd'] as const;
const DATAMATCH = 2;
const NO_TEST = -1;

const registersOf = (region: number, prefix: string): DeviceRegister[] =>
  (
    [
      ['TEST', 0, 1, 'rw', 'Starts the test of this number.'],
      ['WIDTH', 1, 1, 'ro', 'Bytes of the access that counts.'],
      ['OFFSET', 4, 4, 'ro', 'Place of the write that counts.'],
      ['DATA', 8, 4, 'ro', 'Value that counts.'],
      ['COUNT', 12, 4, 'ro', 'Writes that counted.'],
    ] as const
  ).map(([name, offset, width, access, about]) => ({
    name: `${prefix}_${name}`,
    region,
    offset,
    width,
    access,
    about,
  }));

export class TestDevice extends ActingDevice {
  readonly registers = [...registersOf(0, 'MEM'), ...registersOf(1, 'IO')];
  /** Test and count of each BAR. */
  private readonly tests = [NO_TEST, NO_TEST];
  private readonly counts = [0, 0];

  constructor(fn: PciFunction, sizes: readonly number[]) {
    super('pci-testdev', fn, sizes);
  }

  protected override powerOn(): void {
    this.tests.fill(NO_TEST);
    this.counts.fill(0);
  }

  protected override readRegister(region: number, offset: number, width: 1 | 2 | 4): number {
    const test = this.tests[region];
    if (test === undefined || test === NO_TEST) return 0;
    const bytes = this.header(region, test);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0);
    return value;
  }

  protected override writeRegister(region: number, offset: number, width: 1 | 2 | 4, value: number): void {
    if (this.tests[region] === undefined) return;
    if (offset === 0) {
      this.tests[region] = value < NAMES.length ? value : NO_TEST;
      this.counts[region] = 0;
      return;
    }
    const test = this.tests[region];
    if (test === NO_TEST || offset !== this.placeOf(region, test) || width !== ACCESS_BYTE) return;
    if (test !== DATAMATCH || value === VALUE) this.counts[region]!++;
  }

  private placeOf(region: number, test: number): number {
    return (region === 0 ? MEMORY_PLACE : PORT_PLACE) + test;
  }

  private header(region: number, test: number): Uint8Array {
    const name = `${region === 0 ? 'mmio' : 'portio'}-${NAMES[test]}`;
    const bytes = new Uint8Array(0x11 + name.length);
    const view = new DataView(bytes.buffer);
    bytes[0] = test;
    bytes[1] = ACCESS_BYTE;
    view.setUint32(4, this.placeOf(region, test), true);
    view.setUint32(8, VALUE, true);
    view.setUint32(12, this.counts[region]!, true);
    for (let i = 0; i < name.length; i++) bytes[0x10 + i] = name.charCodeAt(i);
    return bytes;
  }
}

export const isTestDevice = (fn: PciFunction, sizes: readonly number[]): boolean =>
  fn.config.read(0, 4) === 0x0005_1b36 && (sizes[0] ?? 0) >= 4096;
