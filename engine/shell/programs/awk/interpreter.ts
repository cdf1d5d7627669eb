/** Runs awk programs. Values are numbers, strings, or strings that look like numbers (`strnum`), as POSIX has it. */
import { posixRegex } from '../../language/regex';
import { printf } from '../../language/builtins/printf';
import { formatTime } from '../../time';
import { AwkSyntax, unescape } from './parser';
import type { AwkProgram, Expression, Statement } from './parser';

export class AwkFailure extends Error {}

export class AwkExit extends Error {
  readonly status: number;
  constructor(status: number) {
    super();
    this.status = status;
  }
}

class Jump extends Error {
  readonly word: string;
  readonly value: Value;
  constructor(word: string, value: Value = '') {
    super();
    this.word = word;
    this.value = value;
  }
}

/** Input that may be a number: compares as one when it looks like one. */
class Input {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = number | string | Input;
type Table = Map<string, Value>;

export interface AwkHost {
  /** null: standard output. */
  write(target: string | null, text: string, append: boolean): Promise<void>;
  close(target: string): void;
  system(source: string): Promise<number>;
  environment: ReadonlyMap<string, string>;
  now(): number;
  /** Called now and then, so that a signal can end the program. */
  checkpoint(): Promise<void>;
}

const NUMERIC = /^\s*[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)\s*$/;
const LEADING = /^\s*[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)/;

const toNumber = (value: Value): number => {
  if (typeof value === 'number') return value;
  return Number(LEADING.exec(value instanceof Input ? value.text : value)?.[0] ?? 0);
};

function formatNumber(value: number, format: string): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return String(value);
  return printf(format, [String(value)], () => '').output;
}

const numeric = (value: Value): boolean =>
  typeof value === 'number' || (value instanceof Input && NUMERIC.test(value.text));

export class Interpreter {
  private readonly program: AwkProgram;
  private readonly host: AwkHost;
  private readonly globals = new Map<string, Value>([
    ['FS', ' '],
    ['OFS', ' '],
    ['ORS', '\n'],
    ['RS', '\n'],
    ['NR', 0],
    ['FNR', 0],
    ['SUBSEP', '\x1c'],
    ['CONVFMT', '%.6g'],
    ['OFMT', '%.6g'],
    ['RSTART', 0],
    ['RLENGTH', -1],
    ['FILENAME', ''],
  ]);
  private readonly tables = new Map<string, Table>();
  private frames: Map<string, Value | Table | undefined>[] = [];
  private record = '';
  private fields: Value[] | null = [];
  private lines: AsyncIterator<{ line: string; file: string }> | null = null;
  private steps = 0;
  private readonly regexes = new Map<string, RegExp>();

  constructor(program: AwkProgram, host: AwkHost) {
    this.program = program;
    this.host = host;
    this.tables.set('ENVIRON', new Map([...host.environment].map(([name, value]) => [name, new Input(value)])));
  }

  escaped(text: string): string {
    return unescape(text);
  }

  assign(name: string, value: string): void {
    this.globals.set(name, new Input(value));
  }

  private async read(): Promise<boolean> {
    const next = await this.lines!.next();
    if (next.done) return false;
    if (this.text(this.globals.get('FILENAME')!) !== next.value.file) {
      this.globals.set('FILENAME', next.value.file);
      this.globals.set('FNR', 0);
    }
    this.setRecord(next.value.line);
    this.globals.set('NR', toNumber(this.globals.get('NR')!) + 1);
    this.globals.set('FNR', toNumber(this.globals.get('FNR')!) + 1);
    return true;
  }

  /** Runs everything; the exit status. */
  async run(lines: AsyncGenerator<{ line: string; file: string }>): Promise<number> {
    this.lines = lines;
    let status = 0;
    const rules = this.program.rules;
    try {
      for (const rule of rules) if (rule.pattern === 'BEGIN' && rule.body) await this.execute(rule.body);
      if (rules.some((rule) => rule.pattern !== 'BEGIN')) {
        while (await this.read()) {
          try {
            for (const rule of rules) {
              if (rule.pattern === 'BEGIN' || rule.pattern === 'END' || !(await this.wanted(rule))) continue;
              if (rule.body) await this.execute(rule.body);
              else await this.host.write(null, this.record + this.special('ORS'), false);
            }
          } catch (error) {
            if (!(error instanceof Jump) || error.word !== 'next') throw error;
          }
        }
      }
    } catch (error) {
      if (!(error instanceof AwkExit)) throw this.explained(error);
      ({ status } = error);
    }
    try {
      for (const rule of rules) if (rule.pattern === 'END' && rule.body) await this.execute(rule.body);
    } catch (error) {
      if (!(error instanceof AwkExit)) throw this.explained(error);
      status = error.status || status;
    }
    return status;
  }

  private explained(error: unknown): unknown {
    return error instanceof AwkSyntax ? new AwkFailure(error.message) : error;
  }

  private async wanted(rule: AwkProgram['rules'][number]): Promise<boolean> {
    const { pattern } = rule;
    if (pattern === null || typeof pattern === 'string') return true;
    if (!pattern.to) return this.truth(await this.value(pattern.from));
    if (!rule.active) {
      if (!this.truth(await this.value(pattern.from))) return false;
      rule.active = true;
    }
    if (this.truth(await this.value(pattern.to))) rule.active = false;
    return true;
  }

  // ---- records and fields

  private special(name: string): string {
    return this.text(this.globals.get(name) ?? '');
  }

  private setRecord(line: string): void {
    this.record = line;
    this.fields = null;
  }

  private split(text: string, separator: string): string[] {
    if (separator === ' ') return text.trim() === '' ? [] : text.trim().split(/[ \t\n]+/);
    if (text === '') return [];
    if (separator === '') return [...text];
    if (separator.length === 1 && separator !== '\\') return text.split(separator);
    return text.split(this.regex(separator));
  }

  private get all(): Value[] {
    return (this.fields ??= this.split(this.record, this.special('FS')).map((field) => new Input(field)));
  }

  private rebuild(): void {
    this.record = this.all.map((field) => this.text(field)).join(this.special('OFS'));
  }

  private field(index: number): Value {
    if (index < 0) throw new AwkFailure(`trying to access out of range field ${index}`);
    return index === 0 ? new Input(this.record) : (this.all[index - 1] ?? '');
  }

  private setField(index: number, value: Value): void {
    if (index === 0) return this.setRecord(this.text(value));
    const { all } = this;
    while (all.length < index) all.push('');
    all[index - 1] = value;
    this.rebuild();
  }

  // ---- values

  private text(value: Value): string {
    if (typeof value === 'number') return formatNumber(value, String(this.globals.get('CONVFMT')));
    return value instanceof Input ? value.text : value;
  }

  private truth(value: Value): boolean {
    if (numeric(value)) return toNumber(value) !== 0;
    return this.text(value) !== '';
  }

  private regex(source: string, flags = ''): RegExp {
    const key = `${flags}/${source}`;
    let found = this.regexes.get(key);
    if (!found) {
      try {
        found = new RegExp(
          posixRegex(
            source.replace(
              /\\([/"&ntrf])/g,
              (all, c: string) =>
                ({ n: '\n', t: '\t', r: '\r', f: '\f' })[c] ?? (c === '/' || c === '"' || c === '&' ? c : all),
            ),
          ),
          flags,
        );
      } catch (error) {
        throw new AwkFailure(`illegal regular expression ${source}: ${(error as Error).message}`, { cause: error });
      }
      this.regexes.set(key, found);
    }
    found.lastIndex = 0;
    return found;
  }

  private async pattern(expression: Expression, flags = ''): Promise<RegExp> {
    return this.regex(expression.kind === 'regex' ? expression.source : this.text(await this.value(expression)), flags);
  }

  private table(name: string): Table {
    const frame = this.frames.at(-1);
    if (frame?.has(name)) {
      const local = frame.get(name);
      if (local instanceof Map) return local;
      const fresh: Table = new Map();
      frame.set(name, fresh);
      return fresh;
    }
    let found = this.tables.get(name);
    if (!found) this.tables.set(name, (found = new Map()));
    return found;
  }

  private async key(keys: readonly Expression[]): Promise<string> {
    const parts: string[] = [];
    for (const one of keys) parts.push(this.text(await this.value(one)));
    return parts.join(this.special('SUBSEP'));
  }

  private get(name: string): Value {
    const frame = this.frames.at(-1);
    if (frame?.has(name)) {
      const local = frame.get(name);
      return local === undefined || local instanceof Map ? '' : local;
    }
    if (name === 'NF') return this.all.length;
    return this.globals.get(name) ?? new Input('');
  }

  private set(name: string, value: Value): void {
    const frame = this.frames.at(-1);
    if (frame?.has(name)) frame.set(name, value);
    else if (name === 'NF') {
      const { all } = this;
      const count = toNumber(value);
      while (all.length < count) all.push('');
      all.length = count;
      this.rebuild();
    } else this.globals.set(name, value);
  }

  private async store(target: Expression, value: Value): Promise<Value> {
    if (target.kind === 'variable') this.set(target.name, value);
    else if (target.kind === 'element') this.table(target.name).set(await this.key(target.keys), value);
    else if (target.kind === 'field') this.setField(toNumber(await this.value(target.index)), value);
    return value;
  }

  private compare(left: Value, right: Value): number {
    const empty = (value: Value): boolean => value instanceof Input && value.text === '';
    if ((numeric(left) || (empty(left) && numeric(right))) && (numeric(right) || empty(right)))
      return toNumber(left) - toNumber(right);
    const [a, b] = [this.text(left), this.text(right)];
    return a < b ? -1 : a > b ? 1 : 0;
  }

  private calculate(operator: string, a: number, b: number): number {
    switch (operator) {
      case '+':
        return a + b;
      case '-':
        return a - b;
      case '*':
        return a * b;
      case '^':
        return a ** b;
      default:
        if (b === 0) throw new AwkFailure(operator === '/' ? 'division by zero' : 'division by zero in %');
        return operator === '/' ? a / b : a % b;
    }
  }

  private async value(expression: Expression): Promise<Value> {
    switch (expression.kind) {
      case 'number':
      case 'string':
        return expression.value;
      case 'regex':
        return this.regex(expression.source).test(this.record) ? 1 : 0;
      case 'variable':
        return this.get(expression.name);
      case 'field':
        return this.field(toNumber(await this.value(expression.index)));
      case 'element': {
        const table = this.table(expression.name);
        const key = await this.key(expression.keys);
        if (!table.has(key)) table.set(key, new Input(''));
        return table.get(key)!;
      }
      case 'in':
        return this.table(expression.name).has(await this.key(expression.keys)) ? 1 : 0;
      case 'assign': {
        const right = await this.value(expression.value);
        if (expression.operator === '') return this.store(expression.target, right);
        return this.store(
          expression.target,
          this.calculate(expression.operator, toNumber(await this.value(expression.target)), toNumber(right)),
        );
      }
      case 'step': {
        const before = toNumber(await this.value(expression.target));
        await this.store(expression.target, before + expression.by);
        return expression.prefix ? before + expression.by : before;
      }
      case 'unary': {
        const operand = await this.value(expression.operand);
        return expression.operator === '!'
          ? this.truth(operand)
            ? 0
            : 1
          : expression.operator === '-'
            ? -toNumber(operand)
            : toNumber(operand);
      }
      case 'binary':
        return this.binary(expression);
      case 'match':
        return (await this.pattern(expression.right)).test(this.text(await this.value(expression.left))) !==
          expression.negated
          ? 1
          : 0;
      case 'choice':
        return this.value(this.truth(await this.value(expression.test)) ? expression.yes : expression.no);
      case 'getline': {
        if (!expression.target) return (await this.read()) ? 1 : 0;
        const saved = this.record;
        if (!(await this.read())) return 0;
        const line = this.record;
        this.setRecord(saved);
        await this.store(expression.target, new Input(line));
        return 1;
      }
      case 'call':
        return this.call(expression.name, expression.args);
    }
  }

  private async binary(expression: Expression & { kind: 'binary' }): Promise<Value> {
    const { operator } = expression;
    const left = await this.value(expression.left);
    if (operator === '&&') return this.truth(left) && this.truth(await this.value(expression.right)) ? 1 : 0;
    if (operator === '||') return this.truth(left) || this.truth(await this.value(expression.right)) ? 1 : 0;
    const right = await this.value(expression.right);
    if (operator === ' ') return this.text(left) + this.text(right);
    if (!/[<>=]/.test(operator)) return this.calculate(operator, toNumber(left), toNumber(right));
    const order = this.compare(left, right);
    const results: Record<string, boolean> = {
      '<': order < 0,
      '<=': order <= 0,
      '==': order === 0,
      '!=': order !== 0,
      '>': order > 0,
      '>=': order >= 0,
    };
    return results[operator] ? 1 : 0;
  }

  private async call(name: string, args: readonly Expression[]): Promise<Value> {
    const text = async (at: number): Promise<string> => (args[at] ? this.text(await this.value(args[at])) : '');
    const number = async (at: number): Promise<number> => (args[at] ? toNumber(await this.value(args[at])) : 0);
    switch (name) {
      case '(':
        return this.value(args[0]!);
      case 'length': {
        const [only] = args;
        if (only?.kind === 'variable' && this.tables.has(only.name)) return this.table(only.name).size;
        return [...(only ? await text(0) : this.record)].length;
      }
      case 'substr': {
        const characters = [...(await text(0))];
        const from = Math.round(await number(1));
        const to = args[2] ? from + Math.round(await number(2)) : Infinity;
        return characters.slice(Math.max(0, from - 1), Math.max(0, to - 1)).join('');
      }
      case 'index':
        return (await text(0)).indexOf(await text(1)) + 1;
      case 'toupper':
        return (await text(0)).toUpperCase();
      case 'tolower':
        return (await text(0)).toLowerCase();
      case 'int':
        return Math.trunc(await number(0));
      case 'sqrt':
        return Math.sqrt(await number(0));
      case 'exp':
        return Math.exp(await number(0));
      case 'log':
        return Math.log(await number(0));
      case 'sin':
        return Math.sin(await number(0));
      case 'cos':
        return Math.cos(await number(0));
      case 'atan2':
        return Math.atan2(await number(0), await number(1));
      case 'strtonum':
        return Number(await text(0)) || 0;
      case 'systime':
        return Math.floor(this.host.now() / 1000);
      case 'strftime':
        return formatTime(await text(0), args[1] ? (await number(1)) * 1000 : this.host.now());
      case 'and':
        return Number(BigInt(await number(0)) & BigInt(await number(1)));
      case 'or':
        return Number(BigInt(await number(0)) | BigInt(await number(1)));
      case 'xor':
        return Number(BigInt(await number(0)) ^ BigInt(await number(1)));
      case 'lshift':
        return (await number(0)) * 2 ** (await number(1));
      case 'rshift':
        return Math.floor((await number(0)) / 2 ** (await number(1)));
      case 'match': {
        const found = (await this.pattern(args[1]!)).exec(await text(0));
        this.globals.set('RSTART', found ? found.index + 1 : 0);
        this.globals.set('RLENGTH', found ? found[0].length : -1);
        const groups = args[2];
        if (groups?.kind === 'variable') {
          const table = this.table(groups.name);
          table.clear();
          found?.forEach((group, i) => table.set(String(i), new Input(group ?? '')));
        }
        return found ? found.index + 1 : 0;
      }
      case 'split': {
        const target = args[1];
        if (target?.kind !== 'variable') throw new AwkFailure('split: second argument must be an array name');
        const source = await text(0);
        const separator = args[2];
        const parts = !separator
          ? this.split(source, this.special('FS'))
          : separator.kind === 'regex'
            ? source === ''
              ? []
              : source.split(this.regex(separator.source))
            : this.split(source, await text(2));
        const table = this.table(target.name);
        table.clear();
        parts.forEach((part, i) => table.set(String(i + 1), new Input(part)));
        return parts.length;
      }
      case 'sub':
      case 'gsub': {
        const regex = await this.pattern(args[0]!, name === 'gsub' ? 'g' : '');
        const replacement = await text(1);
        const target: Expression = args[2] ?? { kind: 'field', index: { kind: 'number', value: 0 } };
        let count = 0;
        const result = this.text(await this.value(target)).replace(regex, (match) => {
          count += 1;
          return replacement.replace(/\\(\\|&)|&/g, (_, escaped?: string) => escaped ?? match);
        });
        if (count > 0) await this.store(target, result);
        return count;
      }
      case 'sprintf':
        return this.format(args);
      case 'system':
        return this.host.system(await text(0));
      case 'close':
        this.host.close(await text(0));
        return 0;
      case 'fflush':
        return 0;
      case 'rand':
        return 0.237788;
      case 'srand':
        return 0;
      default:
        return this.callFunction(name, args);
    }
  }

  private async callFunction(name: string, args: readonly Expression[]): Promise<Value> {
    const body = this.program.functions.get(name);
    if (!body) throw new AwkFailure(`calling undefined function ${name}`);
    if (this.frames.length > 1000) throw new AwkFailure(`function ${name}: call nesting too deep`);
    const frame = new Map<string, Value | Table | undefined>();
    for (let i = 0; i < body.parameters.length; i++) {
      const argument = args[i];
      const outer = this.frames.at(-1);
      const isTable =
        argument?.kind === 'variable' &&
        (outer?.has(argument.name) ? outer.get(argument.name) instanceof Map : this.tables.has(argument.name));
      frame.set(
        body.parameters[i]!,
        !argument ? undefined : isTable ? this.table((argument as { name: string }).name) : await this.value(argument),
      );
    }
    this.frames.push(frame);
    try {
      await this.execute(body.body);
      return '';
    } catch (error) {
      if (error instanceof Jump && error.word === 'return') return error.value;
      throw error;
    } finally {
      this.frames.pop();
    }
  }

  private async format(args: readonly Expression[]): Promise<string> {
    const values: Value[] = [];
    for (const one of args) values.push(await this.value(one));
    const [format = '', ...rest] = values;
    let at = 0;
    const words: string[] = [];
    const layout = this.text(format).replace(
      /%([-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?)([a-zA-Z%])/g,
      (all, flags: string, letter: string) => {
        if (letter === '%') return all;
        for (const _ of flags.matchAll(/\*/g)) words.push(String(toNumber(rest[at++] ?? '')));
        const value = rest[at++] ?? '';
        if ('dixXou'.includes(letter)) words.push(String(BigInt(Math.trunc(toNumber(value) || 0))));
        else if ('eEfFgG'.includes(letter)) words.push(String(toNumber(value)));
        else if (letter === 'c' && typeof value === 'number') words.push(String.fromCodePoint(value));
        else words.push(this.text(value));
        return all;
      },
    );
    return printf(layout.replaceAll('\\', '\\\\'), words.length > 0 ? words : [''], () => '').output;
  }

  // ---- statements

  private async execute(statement: Statement): Promise<void> {
    this.steps += 1;
    if (this.steps % 1024 === 0) await this.host.checkpoint();
    switch (statement.kind) {
      case 'block':
        for (const one of statement.body) await this.execute(one);
        return;
      case 'expression':
        await this.value(statement.value);
        return;
      case 'print': {
        const target = statement.to ? this.text(await this.value(statement.to)) : null;
        let text: string;
        if (statement.format) text = await this.format(statement.args);
        else if (statement.args.length === 0) text = this.record + this.special('ORS');
        else {
          const parts: string[] = [];
          for (const one of statement.args) {
            const value = await this.value(one);
            parts.push(typeof value === 'number' ? formatNumber(value, this.special('OFMT')) : this.text(value));
          }
          text = parts.join(this.special('OFS')) + this.special('ORS');
        }
        return this.host.write(target, text, statement.append);
      }
      case 'if':
        if (this.truth(await this.value(statement.test))) await this.execute(statement.yes);
        else if (statement.no) await this.execute(statement.no);
        return;
      case 'while':
        if (statement.first && !(await this.once(statement.body))) return;
        while (this.truth(await this.value(statement.test))) if (!(await this.once(statement.body))) return;
        return;
      case 'for':
        if (statement.start) await this.execute(statement.start);
        while (statement.test === null || this.truth(await this.value(statement.test))) {
          if (!(await this.once(statement.body))) return;
          if (statement.step) await this.execute(statement.step);
        }
        return;
      case 'each':
        for (const key of [...this.table(statement.array).keys()]) {
          this.set(statement.name, new Input(key));
          if (!(await this.once(statement.body))) return;
        }
        return;
      case 'delete':
        if (statement.keys) this.table(statement.name).delete(await this.key(statement.keys));
        else this.table(statement.name).clear();
        return;
      case 'jump':
        throw new Jump(statement.word);
      case 'exit':
        throw new AwkExit(statement.value ? toNumber(await this.value(statement.value)) : 0);
      case 'return':
        throw new Jump('return', statement.value ? await this.value(statement.value) : '');
    }
  }

  /** The body of a loop, once; false when it was left. */
  private async once(body: Statement): Promise<boolean> {
    try {
      await this.execute(body);
      return true;
    } catch (error) {
      if (!(error instanceof Jump) || (error.word !== 'break' && error.word !== 'continue')) throw error;
      return error.word === 'continue';
    }
  }
}
