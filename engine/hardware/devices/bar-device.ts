import type { ConfigSpace } from '../pci/config-space';
import type { DeviceModel, PciFunction } from '../pci/function';
import { SparseMemory } from './sparse-memory';
import { MsixTable } from './msix-table';

/** Register numbers of the regions a model decodes: BARs 0–5, expansion ROM 6. */
export const ROM_REGION = 6;

type Width = 1 | 2 | 4 | 8;

interface MsixPlace {
  readonly tableRegion: number;
  readonly tableOffset: number;
  readonly pendingRegion: number;
  readonly pendingOffset: number;
}

/**
 * What every device model shares: memory behind its BARs and, where the function has the capability, the MSI-X table
 * and pending bits at the place the capability names. Models with registers override `readRegister`/`writeRegister`.
 */
export class BarDevice implements DeviceModel {
  readonly name: string;
  readonly msix: MsixTable | null;
  protected readonly memory: SparseMemory[] = [];
  /** Survives resets and ignores writes. */
  protected readonly rom = new SparseMemory();
  private readonly place: MsixPlace | null;
  private readonly sizes: number[];

  /** `sizes[n]` is the length in bytes of region n; the MSI-X place is read from the capability. */
  constructor(name: string, config: ConfigSpace, sizes: readonly number[]) {
    this.name = name;
    this.sizes = [...sizes];
    for (let i = 0; i < sizes.length; i++) this.memory.push(new SparseMemory());
    const at = config.findCapability(0x11);
    if (at === 0) {
      this.msix = null;
      this.place = null;
      return;
    }
    const table = config.read(at + 4, 4);
    const pending = config.read(at + 8, 4);
    this.msix = new MsixTable((config.read(at + 2, 2) & 0x7ff) + 1);
    this.place = {
      tableRegion: table & 7,
      tableOffset: (table & ~7) >>> 0,
      pendingRegion: pending & 7,
      pendingOffset: (pending & ~7) >>> 0,
    };
  }

  regionSize(region: number): number {
    return this.sizes[region] ?? 0;
  }

  /** The BAR decodes another length from now on. */
  protected setRegionSize(region: number, size: number): void {
    this.sizes[region] = size;
  }

  read(region: number, offset: number, width: Width): bigint | number {
    if (width === 8) {
      const low = this.read(region, offset, 4);
      return (BigInt(this.read(region, offset + 4, 4)) << 32n) | BigInt(low);
    }
    const window = this.msixWindow(region, offset);
    if (window === null) return this.readRegister(region, offset, width);
    const word = window.table ? this.msix!.readTable(window.at & ~3) : this.msix!.readPending(window.at & ~3);
    return ((word >>> ((window.at & 3) * 8)) & (width === 4 ? 0xffffffff : (1 << (width * 8)) - 1)) >>> 0;
  }

  write(region: number, offset: number, width: Width, value: bigint | number): void {
    if (width === 8) {
      const wide = BigInt(value);
      this.write(region, offset, 4, Number(wide & 0xffffffffn));
      this.write(region, offset + 4, 4, Number((wide >> 32n) & 0xffffffffn));
      return;
    }
    const word = Number(value);
    const window = this.msixWindow(region, offset);
    if (window === null) {
      this.writeRegister(region, offset, width, word);
      return;
    }
    if (!window.table) return;
    const shift = (window.at & 3) * 8;
    const lanes = width === 4 ? 0xffffffff : (((1 << (width * 8)) - 1) << shift) >>> 0;
    this.msix!.writeTable(window.at & ~3, (word << shift) >>> 0, lanes);
  }

  reset(): void {
    for (const memory of this.memory) memory.clear();
    this.msix?.reset();
  }

  /** 1, 2 or 4 bytes outside the MSI-X structures. */
  protected readRegister(region: number, offset: number, width: 1 | 2 | 4): number {
    return (region === ROM_REGION ? this.rom : this.memory[region])?.read(offset, width) ?? 0;
  }

  protected writeRegister(region: number, offset: number, width: 1 | 2 | 4, value: number): void {
    if (region !== ROM_REGION) this.memory[region]?.write(offset, width, value);
  }

  private msixWindow(region: number, offset: number): { table: boolean; at: number } | null {
    const place = this.place;
    if (place === null) return null;
    if (region === place.tableRegion) {
      const at = offset - place.tableOffset;
      if (at >= 0 && at < this.msix!.tableSize) return { table: true, at };
    }
    if (region === place.pendingRegion) {
      const at = offset - place.pendingOffset;
      if (at >= 0 && at < this.msix!.pendingSize) return { table: false, at };
    }
    return null;
  }
}

/** The MSI-X structures of a function, null when its model has none. */
export const msixTableOf = (fn: PciFunction): MsixTable | null => msixOf(fn.model);

/** The MSI-X structures of a model, null without. */
export const msixOf = (model: DeviceModel | null): MsixTable | null => (model instanceof BarDevice ? model.msix : null);
