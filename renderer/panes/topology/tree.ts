/** The functions of a machine as the tree that is drawn: root complexes, what hangs below, and what is folded away. */
import type { TopologyFunction, TopologyView } from '../../bridge';
import { busOf } from '../../ui/address';

export interface Fold {
  key: string;
  /**
   * `root`: a whole root complex; `below`: what is below a bridge; `integrated`: functions of a root bus; `virtual`: virtual
   * functions of one physical one.
   */
  kind: 'root' | 'below' | 'integrated' | 'virtual';
  members: TopologyFunction[];
  open: boolean;
}

export interface Item {
  key: string;
  fn: TopologyFunction | null;
  fold: Fold | null;
  /** Whether what is below can be folded, and is not. */
  expanded: boolean | null;
  children: Item[];
}

export interface RootItem {
  key: string;
  label: string;
  /** Name of the root bus. */
  rootBus: string;
  /** Shut: all of it is one row. Null: it cannot be folded. */
  open: boolean | null;
  children: Item[];
  /** Functions that are on the root bus itself, and all of them. */
  integrated: Item | null;
}

export interface FoldRules {
  /** What a person opened (true) and shut, by key. */
  chosen: ReadonlyMap<string, boolean>;
  /** Virtual functions of one are folded from this many on. */
  foldVirtualFrom: number;
  /** Whether so many rows have room without scrolling. */
  fits: (rows: number) => boolean;
}

/** A machine with more functions than this opens folded. */
const LARGE = 1500;
/** With more root complexes than this, whole ones are folded instead of what is below their ports. */
const MANY_ROOTS = 8;
/** A root bus with more functions of its own than this folds them when the drawing is higher than the canvas. */
const FOLD_FROM = 4;

const byAddress = (a: TopologyFunction, b: TopologyFunction): number =>
  a.address < b.address ? -1 : a.address > b.address ? 1 : 0;

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

class Builder {
  private readonly below = new Map<string, TopologyFunction[]>();
  readonly roots = new Map<string, TopologyFunction[]>();
  private readonly rules: FoldRules;
  private readonly total: number;
  private readonly foldPorts: boolean;
  private readonly foldRoots: boolean;

  constructor(view: TopologyView, rules: FoldRules) {
    this.rules = rules;
    this.total = view.functions.length;
    for (const fn of view.functions) {
      if (fn.parent !== null) push(this.below, fn.parent, fn);
      else push(this.roots, busOf(fn.address), fn);
    }
    for (const list of this.below.values()) list.sort(byAddress);
    const large = this.total > LARGE;
    this.foldRoots = large && this.roots.size > MANY_ROOTS;
    this.foldPorts = large && !this.foldRoots;
  }

  private isOpen(key: string, standard: boolean): boolean {
    return this.rules.chosen.get(key) ?? standard;
  }

  root(key: string, label: string): RootItem {
    const own = [...(this.roots.get(key) ?? [])].sort(byAddress);
    const rootBus = own[0]?.rootBus ?? key;
    const foldKey = `root:${key}`;
    const open = this.roots.size > 1 ? this.isOpen(foldKey, !this.foldRoots) : null;
    if (open === false) {
      const fold: Fold = { key: foldKey, kind: 'root', members: this.withBelow(own), open: false };
      return { key, label, rootBus, open, children: [foldItem(fold)], integrated: null };
    }
    const children = own.filter((fn) => fn.isBridge).map((fn) => this.item(fn, 0));
    const plain = own.filter((fn) => !fn.isBridge);
    const integratedKey = `integrated:${key}`;
    if (plain.length <= FOLD_FROM || plain.length === this.total) {
      return { key, label, rootBus, open, children: [...children, ...this.siblings(plain, 0)], integrated: null };
    }
    const shown = this.isOpen(integratedKey, this.rules.fits(this.total));
    const integrated = foldItem({ key: integratedKey, kind: 'integrated', members: plain, open: shown });
    if (shown) integrated.children = plain.map((fn) => this.item(fn, 0));
    return { key, label, rootBus, open, children: [...children, integrated], integrated };
  }

  private item(fn: TopologyFunction, depth: number): Item {
    const below = fn.isBridge ? (this.below.get(fn.address) ?? []) : [];
    if (below.length === 0) return { key: fn.key, fn, fold: null, expanded: null, children: [] };
    const foldKey = `below:${fn.key}`;
    if (this.isOpen(foldKey, !(this.foldPorts && depth === 0))) {
      return { key: fn.key, fn, fold: null, expanded: true, children: this.siblings(below, depth + 1) };
    }
    const fold: Fold = { key: foldKey, kind: 'below', members: this.withBelow(below), open: false };
    return { key: fn.key, fn, fold: null, expanded: false, children: [foldItem(fold)] };
  }

  /** Siblings with the virtual functions of one physical one together. */
  private siblings(list: readonly TopologyFunction[], depth: number): Item[] {
    const families = new Map<string, TopologyFunction[]>();
    for (const fn of list) if (fn.physicalFunction) push(families, fn.physicalFunction, fn);
    const items: Item[] = [];
    const seen = new Set<string>();
    for (const fn of list) {
      const family = fn.physicalFunction ? families.get(fn.physicalFunction) : undefined;
      if (!family || family.length < this.rules.foldVirtualFrom) {
        items.push(this.item(fn, depth));
        continue;
      }
      const key = `virtual:${fn.physicalFunction}`;
      const open = this.isOpen(key, false);
      if (!seen.has(key)) {
        seen.add(key);
        items.push(foldItem({ key, kind: 'virtual', members: family, open }));
      }
      if (open) items.push(this.item(fn, depth));
    }
    return items;
  }

  private withBelow(tops: readonly TopologyFunction[]): TopologyFunction[] {
    const all: TopologyFunction[] = [];
    const visit = (fn: TopologyFunction): void => {
      all.push(fn);
      for (const child of this.below.get(fn.address) ?? []) visit(child);
    };
    tops.forEach(visit);
    return all;
  }
}

const foldItem = (fold: Fold): Item => ({ key: fold.key, fn: null, fold, expanded: null, children: [] });

/** Root complexes in the order of their buses. */
export function treeOf(view: TopologyView, rules: FoldRules): RootItem[] {
  const builder = new Builder(view, rules);
  const labels = new Map(view.roots.map((root) => [`${hex(root.segment, 4)}:${hex(root.bus, 2)}`, root.label]));
  return [...builder.roots.keys()].sort().map((key) => builder.root(key, labels.get(key) ?? `bus ${key.slice(5)}`));
}
