/** The tree of `lspci -t`, and paths of `lspci -P`. */
import { ConfigView } from './config-view';
import { hex } from './format';
import type { Names } from './names';
import type { PciFunctionInfo } from './source';
import { compareFunctions, nameOf } from './source';

interface Bus {
  readonly domain: number;
  readonly number: number;
  readonly bridge: Bridge;
  readonly functions: PciFunctionInfo[];
}

interface Bridge {
  /** Null for the imaginary bridge above all root buses. */
  readonly info: PciFunctionInfo | null;
  readonly domain: number;
  readonly secondary: number;
  readonly subordinate: number;
  /** In the order in which they were found; the secondary bus comes first. */
  readonly buses: Bus[];
}

function bridgeOf(info: PciFunctionInfo): Bridge | null {
  const view = new ConfigView(info.config);
  const layout = view.byte(0x0e) & 0x7f;
  if (info.classCode >> 8 !== 0x06 || (layout !== 1 && layout !== 2)) return null;
  return {
    info,
    domain: info.domain,
    secondary: view.byte(0x19),
    subordinate: view.byte(0x1a),
    buses: [],
  };
}

function busOf(bridge: Bridge, domain: number, number: number): Bus {
  const known = bridge.buses.find((one) => one.domain === domain && one.number === number);
  if (known) return known;
  const bus: Bus = { domain, number, bridge, functions: [] };
  bridge.buses.push(bus);
  return bus;
}

/**
 * The functions as lspci hangs them up: by the kernel's word where it is known, else below the last bridge whose range
 * has their bus. Numbers that contradict each other give the odd trees that lspci gives: a function whose own bridge
 * claims it is lost.
 */
export class PciTree {
  readonly host: Bridge = { info: null, domain: 0, secondary: 0, subordinate: Infinity, buses: [] };
  private readonly byFunction = new Map<PciFunctionInfo, Bridge>();
  private readonly busOfFunction = new Map<PciFunctionInfo, Bus>();

  constructor(functions: readonly PciFunctionInfo[]) {
    const sorted = [...functions].sort(compareFunctions);
    const byName = new Map<string, Bridge>();
    for (const info of sorted) {
      const bridge = bridgeOf(info);
      if (!bridge) continue;
      this.byFunction.set(info, bridge);
      byName.set(nameOf(info), bridge);
    }
    const bridges = [...this.byFunction.values()];
    for (const bridge of [this.host, ...bridges]) busOf(bridge, bridge.domain, bridge.secondary);
    bridges.reverse();
    for (const info of sorted) {
      const named = info.parent === null ? undefined : byName.get(info.parent);
      const bus = named ? named.buses[0]! : this.claim(bridges, info);
      bus.functions.push(info);
      this.busOfFunction.set(info, bus);
    }
  }

  private claim(bridges: readonly Bridge[], info: PciFunctionInfo): Bus {
    const { domain, bus } = info;
    const root = this.host.buses.find((one) => one.domain === domain && one.number === bus);
    if (root) return root;
    const found = bridges.find((one) => one.domain === domain && one.secondary <= bus && bus <= one.subordinate);
    return busOf(found ?? this.host, domain, bus);
  }

  /** Device and function of every bridge from the root, then of the function: `00:01.0/00.0/01.0`. */
  path(info: PciFunctionInfo, withBus: boolean): string {
    const own = `${hex(info.device, 2)}.${info.fn}`;
    const bridge = this.busOfFunction.get(info)?.bridge;
    if (!bridge || bridge.info === null) return `${hex(info.bus, 2)}:${own}`;
    return `${this.path(bridge.info, withBus)}/${withBus ? `${hex(info.bus, 2)}:` : ''}${own}`;
  }

  /** `shown` is null without a filter. */
  render(names: Names | null, shown: ((info: PciFunctionInfo) => boolean) | null): string[] {
    const wanted = new Map<PciFunctionInfo, boolean>();
    const isWanted = (info: PciFunctionInfo): boolean => {
      const known = wanted.get(info);
      if (known !== undefined) return known;
      wanted.set(info, false);
      const bridge = this.byFunction.get(info);
      const result = shown!(info) || (bridge?.buses.some((bus) => bus.functions.some(isWanted)) ?? false);
      wanted.set(info, result);
      return result;
    };
    const painter = new TreePainter(names, shown ? isWanted : () => true, shown !== null, this.byFunction);
    return painter.bridge(this.host);
  }
}

class TreePainter {
  private readonly names: Names | null;
  private readonly isWanted: (info: PciFunctionInfo) => boolean;
  private readonly filtered: boolean;
  private readonly bridges: ReadonlyMap<PciFunctionInfo, Bridge>;

  constructor(
    names: Names | null,
    isWanted: (info: PciFunctionInfo) => boolean,
    filtered: boolean,
    bridges: ReadonlyMap<PciFunctionInfo, Bridge>,
  ) {
    this.names = names;
    this.isWanted = isWanted;
    this.filtered = filtered;
    this.bridges = bridges;
  }

  private visible(bus: Bus): boolean {
    return !this.filtered || bus.functions.some(this.isWanted);
  }

  /** Its buses: one stands for itself, several are listed by number. */
  bridge(bridge: Bridge): string[] {
    const { buses } = bridge;
    const shown = buses.filter((bus) => this.visible(bus));
    if (shown.length === 0) return ['-'];
    if (buses.length === 1) {
      const [bus] = buses;
      return after('-', bridge.info === null ? this.labelled(bus!) : this.bus(bus!));
    }
    return after('-', branches(shown.map((bus) => ({ block: this.labelled(bus), last: bus === buses.at(-1) }))));
  }

  private labelled(bus: Bus): string[] {
    return after(`[${hex(bus.domain, 4)}:${hex(bus.number, 2)}]-`, this.bus(bus));
  }

  private bus(bus: Bus): string[] {
    const shown = bus.functions.filter(this.isWanted);
    if (shown.length === 0) return [''];
    if (bus.functions.length === 1) return after('--', this.function(shown[0]!));
    return branches(shown.map((info) => ({ block: this.function(info), last: info === bus.functions.at(-1) })));
  }

  private function(info: PciFunctionInfo): string[] {
    const own = `${hex(info.device, 2)}.${info.fn}`;
    const bridge = this.bridges.get(info);
    if (!bridge) return [this.names ? `${own}  ${this.names.device(info.vendor, info.deviceId)}` : own];
    const { secondary, subordinate } = bridge;
    const range = secondary === subordinate ? hex(secondary, 2) : `${hex(secondary, 2)}-${hex(subordinate, 2)}`;
    return after(`${own}-${secondary === 0 ? '' : `[${range}]-`}`, this.bridge(bridge));
  }
}

/** Puts a prefix before the first line and as many blanks before the others. */
const after = (prefix: string, block: readonly string[]): string[] =>
  block.map((line, index) => (index === 0 ? prefix : ' '.repeat(prefix.length)) + line);

/** Several children: `+-` before each, `\\-` before the last, which a filter may have hidden. */
function branches(children: readonly { block: readonly string[]; last: boolean }[]): string[] {
  return children.flatMap(({ block, last }) =>
    block.map((line, row) => `${row === 0 ? (last ? '\\-' : '+-') : last ? '  ' : '| '}${line}`),
  );
}
