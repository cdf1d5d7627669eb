/** The tree of `lspci -t`, and paths of `lspci -P`. */
import { ConfigView } from './config-view';
import { hex } from './format';
import type { Names } from './names';
import type { PciFunctionInfo } from './source';
import { compareFunctions, nameOf } from './source';

interface Bus {
  readonly domain: number;
  readonly number: number;
  readonly functions: PciFunctionInfo[];
}

interface Bridge {
  /** Null for the imaginary bridge above all root buses. */
  readonly info: PciFunctionInfo | null;
  readonly domain: number;
  readonly primary: number;
  readonly secondary: number;
  readonly subordinate: number;
  readonly children: Bridge[];
  readonly buses: Bus[];
}

function bridgeOf(info: PciFunctionInfo): Bridge | null {
  const view = new ConfigView(info.config);
  const layout = view.byte(0x0e) & 0x7f;
  if (info.classCode >> 8 !== 0x06 || (layout !== 1 && layout !== 2)) return null;
  return {
    info,
    domain: info.domain,
    primary: view.byte(0x18),
    secondary: view.byte(0x19),
    subordinate: view.byte(0x1a),
    children: [],
    buses: [],
  };
}

const covers = (bridge: Bridge, domain: number, bus: number): boolean =>
  bridge.info === null || (bridge.domain === domain && bus >= bridge.secondary && bus <= bridge.subordinate);

function busOf(bridge: Bridge, domain: number, number: number): Bus {
  let bus = bridge.buses.find((one) => one.domain === domain && one.number === number);
  if (!bus) {
    bus = { domain, number, functions: [] };
    bridge.buses.push(bus);
    bridge.buses.sort((a, b) => a.domain - b.domain || a.number - b.number);
  }
  return bus;
}

export class PciTree {
  readonly host: Bridge;
  private readonly byFunction = new Map<PciFunctionInfo, Bridge>();
  private readonly above = new Map<PciFunctionInfo, Bridge>();

  constructor(functions: readonly PciFunctionInfo[]) {
    this.host = { info: null, domain: -1, primary: -1, secondary: 0, subordinate: 0xffff, children: [], buses: [] };
    const bridges: Bridge[] = [];
    const byName = new Map<string, Bridge>();
    for (const info of functions) {
      const bridge = bridgeOf(info);
      if (!bridge) continue;
      bridges.push(bridge);
      this.byFunction.set(info, bridge);
      byName.set(nameOf(info), bridge);
    }
    for (const bridge of bridges) {
      const named = bridge.info!.parent === null ? undefined : byName.get(bridge.info!.parent);
      let best = named ?? this.host;
      if (!named) {
        for (const other of bridges) {
          if (other === bridge || !covers(other, bridge.domain, bridge.info!.bus)) continue;
          if (best === this.host || best.subordinate - best.secondary > other.subordinate - other.secondary)
            best = other;
        }
      }
      best.children.push(bridge);
      if (bridge.secondary !== 0) busOf(bridge, bridge.domain, bridge.secondary);
    }
    for (const info of [...functions].sort(compareFunctions)) {
      const named = info.parent === null ? undefined : byName.get(info.parent);
      const bridge = named ?? this.bridgeAbove(this.host, info, new Set());
      this.above.set(info, bridge);
      busOf(bridge, info.domain, info.bus).functions.push(info);
    }
  }

  /** Follows the ranges down; a loop of bridges is left where it begins. */
  private bridgeAbove(from: Bridge, info: PciFunctionInfo, seen: Set<Bridge>): Bridge {
    if (seen.has(from) || from.buses.some((bus) => bus.domain === info.domain && bus.number === info.bus)) return from;
    seen.add(from);
    for (const child of from.children) {
      if (child.info === info || child.secondary === 0 || !covers(child, info.domain, info.bus)) continue;
      return this.bridgeAbove(child, info, seen);
    }
    return from;
  }

  /** Device and function of every bridge from the root, then of the function: `00:01.0/00.0/01.0`. */
  path(info: PciFunctionInfo, withBus: boolean): string {
    const own = `${hex(info.device, 2)}.${info.fn}`;
    const bridge = this.above.get(info);
    if (!bridge || bridge.info === null) return `${hex(info.bus, 2)}:${own}`;
    return `${this.path(bridge.info, withBus)}/${withBus ? `${hex(info.bus, 2)}:` : ''}${own}`;
  }

  render(names: Names | null, shown: (info: PciFunctionInfo) => boolean): string[] {
    const wanted = new Map<PciFunctionInfo, boolean>();
    const isWanted = (info: PciFunctionInfo): boolean => {
      const known = wanted.get(info);
      if (known !== undefined) return known;
      wanted.set(info, false);
      const bridge = this.byFunction.get(info);
      const result = shown(info) || (bridge?.buses.some((bus) => bus.functions.some(isWanted)) ?? false);
      wanted.set(info, result);
      return result;
    };
    const all = this.host.buses;
    const roots = all.filter((bus) => bus.functions.some(isWanted));
    if (roots.length === 0) return [];
    const blocks = roots.map((bus) => this.busBlock(bus, names, isWanted));
    return all.length === 1
      ? blocks[0]!.map((line, index) => (index === 0 ? `-${line}` : ` ${line}`))
      : branch(blocks, true);
  }

  private busBlock(bus: Bus, names: Names | null, isWanted: (info: PciFunctionInfo) => boolean): string[] {
    const prefix = `[${hex(bus.domain, 4)}:${hex(bus.number, 2)}]`;
    return after(prefix, this.list(bus, names, isWanted));
  }

  private list(bus: Bus, names: Names | null, isWanted: (info: PciFunctionInfo) => boolean): string[] {
    if (bus.functions.length === 0) return ['-'];
    const blocks = bus.functions.filter(isWanted).map((info) => this.functionBlock(info, names, isWanted));
    if (bus.functions.length === 1) return blocks.length === 0 ? ['-'] : after('---', blocks[0]!);
    return branch(blocks, false);
  }

  private functionBlock(
    info: PciFunctionInfo,
    names: Names | null,
    isWanted: (info: PciFunctionInfo) => boolean,
  ): string[] {
    const own = `${hex(info.device, 2)}.${info.fn}`;
    const bridge = this.byFunction.get(info);
    if (!bridge) return [names ? `${own}  ${names.device(info.vendor, info.deviceId)}` : own];
    const { secondary, subordinate } = bridge;
    const range = secondary === subordinate ? hex(secondary, 2) : `${hex(secondary, 2)}-${hex(subordinate, 2)}`;
    const prefix = `${own}-${secondary === 0 && subordinate === 0 ? '' : `[${range}]-`}`;
    if (bridge.buses.length === 0) return [`${prefix}-`];
    if (bridge.buses.length === 1) return after(prefix, this.list(bridge.buses[0]!, names, isWanted));
    return after(
      prefix,
      branch(
        bridge.buses.map((bus) => this.busBlock(bus, names, isWanted)),
        false,
      ),
    );
  }
}

/** Puts a prefix before the first line and as many blanks before the others. */
const after = (prefix: string, block: readonly string[]): string[] =>
  block.map((line, index) => (index === 0 ? prefix : ' '.repeat(prefix.length)) + line);

/** Several children: `-+-` for the first, `\-` for the last. At the top a single visible one keeps its `-+-`. */
function branch(blocks: readonly (readonly string[])[], top: boolean): string[] {
  const lines: string[] = [];
  blocks.forEach((block, index) => {
    const last = index === blocks.length - 1 && !(top && blocks.length === 1);
    block.forEach((line, row) => {
      if (row > 0) lines.push(`${last ? '   ' : ' | '}${line}`);
      else lines.push(`${index === 0 ? '-' : ' '}${last ? '\\-' : '+-'}${line}`);
    });
  });
  return lines;
}
