/** Commands as text again, in the form in which bash shows functions and jobs. */
import type {
  Assignment,
  CaseItem,
  Command,
  CompoundCommand,
  ListItem,
  Pipeline,
  Redirect,
  Script,
  SimpleCommand,
  TestExpression,
  Word,
} from './syntax';

const STEP = 4;

export const printWords = (words: readonly Word[]): string => words.map((word) => word.source).join(' ');

/** `2> f`, `1>&2`, `<<EOF`. */
export function printRedirect(redirect: Redirect): string {
  const { operator, fd, target } = redirect;
  const explicit = fd === null ? '' : typeof fd === 'number' ? String(fd) : `{${fd.variable}}`;
  switch (operator) {
    case '<<':
      return `${explicit}<<${redirect.document!.strip ? '-' : ''}${redirect.document!.word}`;
    case '<&':
    case '>&': {
      if (!/^(\d+-?|-)$/.test(target.source))
        return `${explicit}${operator}${explicit === '' ? ' ' : ''}${target.source}`;
      return `${explicit === '' ? (operator === '<&' ? '0' : '1') : explicit}${operator}${target.source}`;
    }
    default: {
      const usual = operator.startsWith('<') ? '0' : '1';
      return `${explicit === usual ? '' : explicit}${operator} ${target.source}`;
    }
  }
}

const redirects = (list: readonly Redirect[]): string => list.map((redirect) => ` ${printRedirect(redirect)}`).join('');

export function printSimple(command: SimpleCommand): string {
  const parts = [
    ...command.assignments.map((assignment: Assignment) => assignment.source),
    ...command.words.map((word) => word.source),
  ];
  const text = parts.join(' ');
  const behind = redirects(command.redirects);
  return text === '' ? behind.trimStart() : text + behind;
}

export function printTest(expression: TestExpression): string {
  switch (expression.kind) {
    case 'and':
      return `${printTest(expression.left)} && ${printTest(expression.right)}`;
    case 'or':
      return `${printTest(expression.left)} || ${printTest(expression.right)}`;
    case 'not':
      return `! ${printTest(expression.operand)}`;
    case 'group':
      return `( ${printTest(expression.operand)} )`;
    case 'unary':
      return `${expression.operator} ${expression.operand.source}`;
    case 'binary':
      return `${expression.left.source} ${expression.operator} ${expression.right.source}`;
  }
}

class Printer {
  private text = '';
  private indentation = 0;
  private skipIndent = false;
  /** Inside a function lists go down the page, outside they stay on a line. */
  private readonly lines: boolean;
  private documents: Redirect[] = [];
  private hadDocument = false;

  constructor(lines: boolean, indentation = 0) {
    this.lines = lines;
    this.indentation = indentation;
  }

  get result(): string {
    this.flushDocuments('');
    return this.text;
  }

  private write(text: string): void {
    this.text += text;
  }

  private indent(): void {
    if (this.skipIndent) this.skipIndent = false;
    else this.write(' '.repeat(this.indentation));
  }

  private newline(text: string): void {
    this.write(`\n${' '.repeat(this.indentation)}${text}`);
  }

  private semicolon(): void {
    if (!/[&\n]$/.test(this.text)) this.write(';');
  }

  private flushDocuments(separator: string): void {
    const list = this.documents;
    this.documents = [];
    if (list.length === 0) return;
    this.write(separator);
    this.write('\n');
    for (const redirect of list) {
      const { delimiter, body } = redirect.document!;
      this.write(`${body}${delimiter}\n`);
    }
    this.hadDocument = true;
  }

  private redirects(list: readonly Redirect[]): void {
    this.write(redirects(list));
    for (const redirect of list) if (redirect.operator === '<<') this.documents.push(redirect);
  }

  private inside(script: Script): void {
    this.indentation += STEP;
    this.script(script);
    this.flushDocuments('');
    this.indentation -= STEP;
  }

  script(script: Script): void {
    script.items.forEach((item, position) => {
      this.item(item);
      if (position === script.items.length - 1) return;
      if (item.background) {
        this.write(' ');
        this.skipIndent = true;
        return;
      }
      if (this.documents.length > 0) this.flushDocuments(this.lines ? '' : ';');
      else if (!this.hadDocument) this.write(';');
      this.hadDocument = false;
      if (this.lines) this.write('\n');
      else {
        this.write(' ');
        this.skipIndent = true;
      }
    });
  }

  private item(item: ListItem): void {
    this.pipeline(item.first);
    for (const { operator, pipeline } of item.rest) {
      this.flushDocuments('');
      this.write(` ${operator} `);
      this.skipIndent = true;
      this.pipeline(pipeline);
    }
    if (item.background) this.write(' &');
  }

  private pipeline(pipeline: Pipeline): void {
    this.indent();
    if (pipeline.timed) this.write(pipeline.timed === 'posix' ? 'time -p ' : 'time ');
    if (pipeline.negated) this.write('! ');
    pipeline.commands.forEach((command, position) => {
      if (position > 0) {
        this.flushDocuments('');
        this.write(' | ');
      }
      this.skipIndent = true;
      this.command(command);
      this.skipIndent = false;
    });
  }

  command(command: Command): void {
    this.indent();
    if (command.kind === 'simple') {
      this.write(printSimple({ ...command, redirects: [] }));
      if (command.words.length + command.assignments.length === 0) {
        this.write(redirects(command.redirects).trimStart());
        this.documents.push(...command.redirects.filter((redirect) => redirect.operator === '<<'));
      } else this.redirects(command.redirects);
      return;
    }
    if (command.kind === 'function') {
      this.write(`function ${command.name} () \n`);
      this.functionBody(command.body);
      return;
    }
    if (command.kind === 'coproc') {
      this.write(`coproc ${command.named ? `${command.name} ` : ''}`);
      this.skipIndent = true;
      this.command(command.body);
      return;
    }
    this.compound(command);
    this.redirects(command.redirects);
  }

  /** `{ … }` around the body, whatever kind of command it is. */
  functionBody(body: Command): void {
    this.write(`${' '.repeat(this.indentation)}{ \n`);
    this.indentation += STEP;
    if (body.kind === 'group') this.script(body.body);
    else this.command(body);
    this.flushDocuments('');
    this.indentation -= STEP;
    this.newline('}');
    if (body.kind === 'group') this.redirects(body.redirects);
  }

  private compound(command: Exclude<CompoundCommand, { kind: 'coproc' }>): void {
    switch (command.kind) {
      case 'group':
        this.write('{ ');
        if (this.lines) {
          this.write('\n');
          this.inside(command.body);
          this.newline('}');
        } else {
          this.skipIndent = true;
          this.script(command.body);
          this.semicolon();
          this.write(' }');
        }
        return;
      case 'subshell':
        this.write('( ');
        this.skipIndent = true;
        this.script(command.body);
        this.flushDocuments('');
        this.write(' )');
        return;
      case 'if':
        this.clauses(command.clauses, command.otherwise);
        return;
      case 'while':
        this.write(command.until ? 'until ' : 'while ');
        this.skipIndent = true;
        this.script(command.test);
        this.flushDocuments('');
        this.semicolon();
        this.write(' do\n');
        this.inside(command.body);
        this.semicolon();
        this.newline('done');
        return;
      case 'for':
      case 'select':
        this.write(`${command.kind} ${command.name} in ${command.words ? printWords(command.words) : '"$@"'};`);
        this.loopBody(command.body);
        return;
      case 'for-arithmetic':
        this.write(
          `for ((${[command.start, command.test, command.step].map((part) => part.source.trim() || '1').join('; ')}))`,
        );
        this.loopBody(command.body);
        return;
      case 'case':
        this.write(`case ${command.subject.source} in `);
        this.indentation += STEP;
        for (const item of command.items) this.caseItem(item);
        this.indentation -= STEP;
        this.newline('esac');
        return;
      case 'test':
        this.write(`[[ ${printTest(command.expression)} ]]`);
        return;
      case 'arithmetic':
        this.write(`((${command.expression.source}))`);
    }
  }

  private clauses(
    clauses: readonly { readonly test: Script; readonly body: Script }[],
    otherwise: Script | null,
  ): void {
    const [first, ...more] = clauses;
    this.write('if ');
    this.skipIndent = true;
    this.script(first!.test);
    this.semicolon();
    this.write(' then\n');
    this.inside(first!.body);
    if (more.length > 0 || otherwise) {
      this.semicolon();
      this.newline('else\n');
      if (more.length === 0) this.inside(otherwise!);
      else {
        this.indentation += STEP;
        this.indent();
        this.clauses(more, otherwise);
        this.indentation -= STEP;
      }
    }
    this.semicolon();
    this.newline('fi');
  }

  private loopBody(body: Script): void {
    this.newline('do\n');
    this.inside(body);
    this.semicolon();
    this.newline('done');
  }

  private caseItem(item: CaseItem): void {
    this.newline(`${item.patterns.map((pattern) => pattern.source).join(' | ')})\n`);
    if (item.body.items.length > 0) this.inside(item.body);
    this.newline(item.end);
  }
}

/** `name () ⏎{ ⏎    …⏎}`, as `declare -f` shows it. */
export function printFunction(name: string, body: Command): string {
  const printer = new Printer(true);
  printer.functionBody(body);
  return `${name} () \n${printer.result}`;
}

/** A list item without its `&`, as `jobs` shows it. */
export function printItem(item: ListItem): string {
  const printer = new Printer(false);
  printer.script({ items: [{ ...item, background: false }] });
  return printer.result;
}
