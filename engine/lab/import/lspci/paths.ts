/** The paths that `lspci -P` and `-PP` print instead of addresses: `00:1c.4/00.0/02.0`, `00:1c.4/07:00.0/08:02.0`. */
import type { PciAddress } from '../../../hardware/pci/address';
import { formatAddress, parseAddress } from '../../../hardware/pci/address';
import { ImportError } from '../error';

export interface BusNumbers {
  readonly secondary: number;
  readonly subordinate: number;
}

/** Follows paths from the root; each tells which bus is behind the bridges that it names. */
export class Paths {
  /** By the address of the bridge; the subordinate bus is the highest that a path came to. */
  readonly buses = new Map<string, BusNumbers>();

  /** Root buses that paths in /sys begin with. */
  readonly roots: { readonly segment: number; readonly bus: number }[] = [];

  /** `pci0000:00/0000:00:1c.4/0000:07:00.0`: a path in /sys. */
  follow(path: string): void {
    const [root, ...steps] = path.toLowerCase().split('/');
    const [segment, bus] = root!
      .slice('pci'.length)
      .split(':')
      .map((part) => parseInt(part, 16));
    if (!this.roots.some((one) => one.segment === segment && one.bus === bus)) {
      this.roots.push({ segment: segment!, bus: bus! });
    }
    const way = steps.map((step) => parseAddress(step)!);
    for (const [index, bridge] of way.slice(0, -1).entries()) {
      this.tell(bridge, way[index + 1]!.bus);
      for (const below of way.slice(index + 1)) this.reach(bridge, below.bus);
    }
  }

  /**
   * The function at the end of a path. `behind` tells the secondary bus of a bridge where its own lines show it.
   * Throws ImportError when the path names no bus and the listing does not either.
   */
  end(path: string, line: number, behind: (bridge: PciAddress) => number | null): PciAddress {
    const [first, ...steps] = path.toLowerCase().split('/');
    let at = parseAddress(first!)!;
    const above: PciAddress[] = [];
    for (const step of steps) {
      const [, bus, device, number] = /^(?:([0-9a-f]{2}):)?([0-9a-f]{2})\.([0-7])$/.exec(step)!;
      const secondary =
        bus !== undefined ? parseInt(bus, 16) : (this.buses.get(formatAddress(at))?.secondary ?? behind(at));
      if (secondary === null) {
        throw new ImportError(`shows the path ${path} without bus numbers: use lspci -PP, or -P with -v`, line);
      }
      above.push(at);
      at = { segment: at.segment, bus: secondary, device: parseInt(device!, 16), function: Number(number) };
      this.tell(above.at(-1)!, secondary);
      for (const bridge of above) this.reach(bridge, secondary);
    }
    return at;
  }

  private tell(bridge: PciAddress, secondary: number): void {
    const name = formatAddress(bridge);
    if (!this.buses.has(name)) this.buses.set(name, { secondary, subordinate: secondary });
  }

  private reach(bridge: PciAddress, bus: number): void {
    const name = formatAddress(bridge);
    const known = this.buses.get(name)!;
    if (bus > known.subordinate) this.buses.set(name, { ...known, subordinate: bus });
  }
}
