/** The syntax tree of the shell language. */

/** What a person typed as one word, quotes and expansions taken apart. */
export interface Word {
  readonly parts: readonly Part[];
  /** As it stands in the source. */
  readonly source: string;
}

export type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'quoted'; readonly text: string }
  | { readonly kind: 'double'; readonly parts: readonly Part[] }
  | Parameter
  | { readonly kind: 'command'; readonly body: Script }
  | { readonly kind: 'arithmetic'; readonly expression: Word }
  | { readonly kind: 'process'; readonly direction: '<' | '>'; readonly body: Script };

export interface Parameter {
  readonly kind: 'parameter';
  readonly name: string;
  /** Subscript: `@` and `*` are every element. */
  readonly index: Word | '@' | '*' | null;
  /** `${!name}`. */
  readonly indirect: boolean;
  readonly operation: ParameterOperation | null;
  readonly source: string;
}

export type ParameterOperation =
  | { readonly kind: 'length' }
  | { readonly kind: 'names'; readonly every: '@' | '*' }
  | { readonly kind: 'default'; readonly symbol: '-' | '=' | '?' | '+'; readonly colon: boolean; readonly word: Word }
  | { readonly kind: 'trim'; readonly symbol: '#' | '##' | '%' | '%%'; readonly pattern: Word }
  | {
      readonly kind: 'replace';
      readonly where: 'first' | 'all' | 'start' | 'end';
      readonly pattern: Word;
      readonly replacement: Word;
    }
  | { readonly kind: 'case'; readonly symbol: '^' | '^^' | ',' | ',,' | '~' | '~~'; readonly pattern: Word }
  | { readonly kind: 'substring'; readonly offset: Word; readonly length: Word | null }
  | { readonly kind: 'transform'; readonly letter: string }
  | { readonly kind: 'bad' };

export interface Script {
  readonly items: readonly ListItem[];
}

export interface ListItem {
  readonly first: Pipeline;
  readonly rest: readonly { readonly operator: '&&' | '||'; readonly pipeline: Pipeline }[];
  readonly background: boolean;
  readonly source: string;
}

export interface Pipeline {
  readonly negated: boolean;
  readonly timed: 'bash' | 'posix' | null;
  readonly commands: readonly Command[];
}

export interface ArrayElement {
  readonly index: Word | null;
  readonly append: boolean;
  readonly value: Word;
}

export interface Assignment {
  readonly name: string;
  readonly index: Word | null;
  readonly append: boolean;
  readonly value: Word | { readonly elements: readonly ArrayElement[] };
  readonly source: string;
}

export type RedirectOperator = '<' | '>' | '>>' | '>|' | '<>' | '<&' | '>&' | '&>' | '&>>' | '<<<' | '<<';

export interface Redirect {
  readonly operator: RedirectOperator;
  /** Descriptor, or the variable of `{name}>`. */
  readonly fd: number | { readonly variable: string } | null;
  /** Target, or the body of a here-document. */
  target: Word;
  /** How a here-document stands in the source. */
  document?: {
    /** The word behind `<<`, and without its quotes. */
    readonly word: string;
    readonly delimiter: string;
    readonly strip: boolean;
    body: string;
  };
}

interface Common {
  readonly redirects: readonly Redirect[];
  readonly line: number;
}

export interface SimpleCommand extends Common {
  readonly kind: 'simple';
  readonly assignments: readonly Assignment[];
  readonly words: readonly (Word | AssignmentWord)[];
}

/** `name=value` after the name of a declaring builtin: expanded as an assignment. */
export interface AssignmentWord {
  readonly assignment: Assignment;
  readonly source: string;
}

export interface CaseItem {
  readonly patterns: readonly Word[];
  readonly body: Script;
  readonly end: ';;' | ';&' | ';;&';
}

export type CompoundCommand =
  | ({ readonly kind: 'group' | 'subshell'; readonly body: Script } & Common)
  | ({
      readonly kind: 'if';
      readonly clauses: readonly { readonly test: Script; readonly body: Script }[];
      readonly otherwise: Script | null;
    } & Common)
  | ({ readonly kind: 'while'; readonly until: boolean; readonly test: Script; readonly body: Script } & Common)
  | ({
      readonly kind: 'for' | 'select';
      readonly name: string;
      readonly words: readonly Word[] | null;
      readonly body: Script;
    } & Common)
  | ({
      readonly kind: 'for-arithmetic';
      readonly start: Word;
      readonly test: Word;
      readonly step: Word;
      readonly body: Script;
    } & Common)
  | ({ readonly kind: 'coproc'; readonly name: string; readonly named: boolean; readonly body: Command } & Common)
  | ({ readonly kind: 'case'; readonly subject: Word; readonly items: readonly CaseItem[] } & Common)
  | ({ readonly kind: 'test'; readonly expression: TestExpression } & Common)
  | ({ readonly kind: 'arithmetic'; readonly expression: Word } & Common);

export interface FunctionCommand extends Common {
  readonly kind: 'function';
  readonly name: string;
  readonly body: Command;
  readonly source: string;
}

export type Command = SimpleCommand | CompoundCommand | FunctionCommand;

export type TestExpression =
  | { readonly kind: 'and' | 'or'; readonly left: TestExpression; readonly right: TestExpression }
  | { readonly kind: 'not' | 'group'; readonly operand: TestExpression }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Word }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Word; readonly right: Word };

/** The source cannot be parsed; `near` is the token bash names, null at the end of the source. */
export class SyntaxFailure extends Error {
  readonly line: number;
  /** The source line that bash shows below the message; null when it shows none. */
  readonly shown: string | null;

  constructor(message: string, line: number, shown: string | null) {
    super(message);
    this.line = line;
    this.shown = shown;
  }
}

/** A failure between `[[` and `]]`: bash tells it without the line, and a script goes on to end with status 0. */
export class ConditionFailure extends SyntaxFailure {}

/** The source ends within a command: more lines could complete it. */
export class IncompleteInput extends SyntaxFailure {}
