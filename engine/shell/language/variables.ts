/** Variables of a shell: scopes of functions, arrays, attributes. */
import { ErrnoError } from '../errors';

export interface Variable {
  value: string | null;
  list: Map<number, string> | null;
  table: Map<string, string> | null;
  exported: boolean;
  readonly: boolean;
  integer: boolean;
  lower: boolean;
  upper: boolean;
  reference: boolean;
  /** Declared as an array that has no value yet. */
  bare: boolean;
}

/** A value holds no more characters: one that doubles in a loop ends the loop and not the lab. */
const LONGEST_VALUE = 0x100_0000;

const fresh = (): Variable => ({
  value: null,
  list: null,
  table: null,
  exported: false,
  readonly: false,
  integer: false,
  lower: false,
  upper: false,
  reference: false,
  bare: false,
});

export class ReadonlyFailure extends Error {
  constructor(name: string) {
    super(`${name}: readonly variable`);
  }
}

type Scope = Map<string, Variable>;

export class Variables {
  private scopes: Scope[] = [new Map()];
  /** Names whose value is computed: `$RANDOM`, `$SECONDS`. */
  readonly computed = new Map<string, () => string>();
  /** Told about a new value: `$RANDOM` is seeded by it. */
  readonly watched = new Map<string, (value: string) => void>();

  fork(): Variables {
    const copy = new Variables();
    copy.scopes = this.scopes.map(
      (scope) =>
        new Map(
          [...scope].map(([name, variable]) => [
            name,
            variable.list || variable.table
              ? {
                  ...variable,
                  list: variable.list && new Map(variable.list),
                  table: variable.table && new Map(variable.table),
                }
              : { ...variable },
          ]),
        ),
    );
    return copy;
  }

  /** A copy outside of every function. */
  globals(): Variables {
    const copy = this.fork();
    copy.scopes.length = 1;
    return copy;
  }

  push(): void {
    this.scopes.push(new Map());
  }

  pop(): void {
    this.scopes.pop();
  }

  get depth(): number {
    return this.scopes.length;
  }

  private raw(name: string): Variable | null {
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      const found = this.scopes[i]!.get(name);
      if (found) return found;
    }
    return null;
  }

  /** The name that a reference stands for. */
  resolve(name: string): string {
    let at = name;
    for (let hops = 0; hops < 8; hops++) {
      const variable = this.raw(at);
      if (!variable?.reference || !variable.value) return at;
      at = variable.value;
    }
    return at;
  }

  isReference(name: string): boolean {
    return this.raw(name)?.reference === true;
  }

  find(name: string): Variable | null {
    return this.raw(this.resolve(name));
  }

  /** The variable itself, not what it refers to; made in the given scope when it is new. */
  declare(name: string, local: boolean): Variable {
    const scope = local ? this.scopes.at(-1)! : null;
    const existing = scope ? scope.get(name) : this.find(name);
    if (existing) return existing;
    const variable = fresh();
    // What hides an exported variable is exported too.
    if (scope) variable.exported = this.raw(name)?.exported ?? false;
    (scope ?? this.scopes[0]!).set(name, variable);
    return variable;
  }

  get(name: string): string | null {
    const computed = this.computed.get(name);
    if (computed) return computed();
    const variable = this.find(name);
    if (!variable) return null;
    if (variable.list) return variable.list.get(0) ?? null;
    if (variable.table) return variable.table.get('0') ?? null;
    return variable.value;
  }

  private folded(variable: Variable, value: string): string {
    if (value.length > LONGEST_VALUE) throw new ErrnoError('ENOMEM');
    return variable.lower ? value.toLowerCase() : variable.upper ? value.toUpperCase() : value;
  }

  private writable(name: string): Variable {
    const target = this.resolve(name);
    const variable = this.raw(target) ?? this.declare(target, false);
    if (variable.readonly) throw new ReadonlyFailure(target);
    variable.bare = false;
    return variable;
  }

  set(name: string, value: string): void {
    const watcher = this.watched.get(name);
    if (watcher) watcher(value);
    const variable = this.writable(name);
    const text = this.folded(variable, value);
    if (variable.list) variable.list.set(0, text);
    else if (variable.table) variable.table.set('0', text);
    else variable.value = text;
  }

  setLocal(name: string, value: string): void {
    const variable = this.declare(name, true);
    if (variable.readonly) throw new ReadonlyFailure(name);
    variable.value = this.folded(variable, value);
  }

  setElement(name: string, index: number | string, value: string): void {
    const variable = this.writable(name);
    const text = this.folded(variable, value);
    if (typeof index === 'string') {
      variable.table ??= new Map();
      variable.table.set(index, text);
      return;
    }
    const list = this.asList(variable);
    list.set(index < 0 ? Math.max(0, this.end(list) + index) : index, text);
  }

  private asList(variable: Variable): Map<number, string> {
    if (!variable.list) {
      variable.list = new Map(variable.value === null ? [] : [[0, variable.value]]);
      variable.value = null;
    }
    return variable.list;
  }

  private end(list: Map<number, string>): number {
    let end = 0;
    for (const index of list.keys()) end = Math.max(end, index + 1);
    return end;
  }

  /** Index behind the last element. */
  nextIndex(name: string): number {
    const variable = this.find(name);
    if (!variable) return 0;
    if (variable.list) return this.end(variable.list);
    return variable.value === null ? 0 : 1;
  }

  setList(name: string, values: readonly string[]): void {
    const variable = this.writable(name);
    variable.value = null;
    variable.table = null;
    variable.list = new Map(values.map((value, index) => [index, this.folded(variable, value)]));
  }

  isTable(name: string): boolean {
    return this.find(name)?.table != null;
  }

  isArray(name: string): boolean {
    const variable = this.find(name);
    return variable?.list != null || variable?.table != null;
  }

  element(name: string, index: number | string): string | null {
    const variable = this.find(name);
    if (!variable) return null;
    if (variable.table) return variable.table.get(String(index)) ?? null;
    const at = Number(index);
    if (!variable.list) return at === 0 ? variable.value : null;
    return variable.list.get(at < 0 ? this.end(variable.list) + at : at) ?? null;
  }

  private entries(name: string): [string, string][] {
    const variable = this.find(name);
    if (!variable) return [];
    if (variable.table) return [...variable.table];
    if (variable.list) {
      return [...variable.list].sort((a, b) => a[0] - b[0]).map(([index, value]) => [String(index), value]);
    }
    return variable.value === null ? [] : [['0', variable.value]];
  }

  elements(name: string): string[] {
    const computed = this.computed.get(name);
    return computed ? [computed()] : this.entries(name).map((entry) => entry[1]);
  }

  keys(name: string): string[] {
    return this.entries(name).map((entry) => entry[0]);
  }

  unset(name: string): boolean {
    const target = this.resolve(name);
    if (this.raw(target)?.readonly) return false;
    for (let i = this.scopes.length - 1; i >= 0; i--) {
      if (!this.scopes[i]!.has(target)) continue;
      // A local that was unset stays known as unset in its function.
      if (i > 0) this.scopes[i]!.set(target, fresh());
      else this.scopes[i]!.delete(target);
      break;
    }
    return true;
  }

  unsetElement(name: string, index: number | string): void {
    const variable = this.find(name);
    if (variable?.table) variable.table.delete(String(index));
    else if (variable?.list)
      variable.list.delete(Number(index) < 0 ? this.end(variable.list) + Number(index) : Number(index));
    else if (variable && Number(index) === 0) variable.value = null;
  }

  names(prefix = ''): string[] {
    const names = new Set<string>();
    for (const scope of this.scopes) for (const name of scope.keys()) if (name.startsWith(prefix)) names.add(name);
    return [...names].sort();
  }

  /** The environment of a program. */
  environment(): Map<string, string> {
    const out = new Map<string, string>();
    for (const name of this.names()) {
      const variable = this.raw(name);
      if (variable?.exported && variable.value !== null) out.set(name, variable.value);
    }
    return out;
  }
}
