/** Line editing on a terminal, over node:readline: history, search, completion, pastes. */
import readline from 'node:readline';
import { PassThrough, Writable } from 'node:stream';
import { historyWords } from '../shell/language/history';

/** What readline keeps of the line, which its types do not tell. */
interface Editable {
  line: string;
  cursor: number;
  history: string[];
  _refreshLine(): void;
}

type EditorOutput = Writable & { isTTY?: boolean; columns?: number; rows?: number };

export interface LineEditorOptions {
  columns: number;
  rows: number;
  show(text: string): void;
  /** Candidates for the text before the cursor, and the word that they would replace. */
  complete(line: string): { candidates: string[]; word: string };
  /** A line was ended by Enter. */
  line(text: string): void;
  /** Ctrl-C. */
  cancel(): void;
  /** Ctrl-D on an empty line. */
  end(): void;
}

const CTRL = { C: '\x03', D: '\x04', G: '\x07', L: '\x0c', R: '\x12', Z: '\x1a', UNDERSCORE: '\x1f' } as const;

export class LineEditor {
  private readonly options: LineEditorOptions;
  private readonly input = new PassThrough();
  private readonly output: EditorOutput;
  private readonly reader: readline.Interface;
  private closed = false;
  /** Lines typed so far, oldest first. */
  private readonly history: string[];
  /** Text found by Ctrl-R; null when it is not searching. */
  private search: { text: string; at: number; saved: string } | null = null;
  /** Alt-. goes further back each time: the line it took from, and what it put in. */
  private last: { at: number; word: string } | null = null;

  constructor(options: LineEditorOptions, history: string[]) {
    this.options = options;
    this.history = history;
    const { input } = this;
    Object.assign(input, { isTTY: true, setRawMode: () => input });
    this.output = new Writable({
      write: (chunk: Buffer, _, done) => {
        options.show(chunk.toString());
        done();
      },
    });
    Object.assign(this.output, { isTTY: true, columns: options.columns, rows: options.rows });
    this.reader = readline.createInterface({
      input,
      output: this.output,
      terminal: true,
      historySize: 1000,
      removeHistoryDuplicates: false,
      tabSize: 8,
      escapeCodeTimeout: 30,
      completer: (_: string, done: (error: null, result: [string[], string]) => void) => {
        const { candidates, word } = options.complete(this.before);
        done(null, [candidates, word]);
      },
    });
    this.editable.history = [...history].reverse();
    this.reader.on('line', (line) => options.line(line));
    // Without a listener readline stops the whole host process at Ctrl-Z.
    this.reader.on('SIGTSTP', () => {});
    this.reader.on('SIGCONT', () => {});
    this.reader.on('SIGINT', () => options.cancel());
    this.reader.on('close', () => {
      if (!this.closed) options.end();
    });
  }

  private get editable(): Editable {
    return this.reader as unknown as Editable;
  }

  private get before(): string {
    return this.editable.line.slice(0, this.editable.cursor);
  }

  get line(): string {
    return this.editable.line;
  }

  get columns(): number {
    return this.output.columns ?? 80;
  }

  get rows(): number {
    return this.output.rows ?? 24;
  }

  resize(columns: number, rows: number): void {
    this.output.columns = columns;
    this.output.rows = rows;
    this.output.emit('resize');
  }

  prompt(text: string): void {
    this.reader.setPrompt(text);
    this.reader.prompt();
  }

  /** Empties the line and shows a prompt anew. */
  restart(prompt: string): void {
    this.search = null;
    this.editable.line = '';
    this.editable.cursor = 0;
    this.prompt(prompt);
  }

  /** The history as the shell keeps it took the place of what readline noted. */
  noteHistory(): void {
    this.editable.history = [...this.history].reverse();
  }

  close(): void {
    this.closed = true;
    this.reader.close();
  }

  /** One key. */
  key(key: string): void {
    if (key !== '\x1b.' && key !== '\x1b_') this.last = null;
    if ((this.search !== null || key === CTRL.R) && this.searching(key)) return;
    switch (key) {
      case CTRL.L:
        this.options.show('\x1b[H\x1b[2J');
        this.editable._refreshLine();
        return;
      case CTRL.Z:
      case CTRL.UNDERSCORE:
        return;
      case '\x1b.':
      case '\x1b_':
        this.lastWord();
        return;
      default:
        this.input.write(key);
    }
  }

  /** Text put in as it is; `enter` ends the line. */
  paste(text: string, enter: boolean): void {
    const { line, cursor } = this.editable;
    this.editable.line = line.slice(0, cursor) + text + line.slice(cursor);
    this.editable.cursor = cursor + text.length;
    this.editable._refreshLine();
    if (enter) this.input.write('\r');
  }

  /** Alt-.: the last word of the line before, then of the ones before that. */
  private lastWord(): void {
    const before = this.last;
    const at = (before?.at ?? this.history.length) - 1;
    const word = historyWords(this.history[at] ?? '').at(-1);
    if (word === undefined) return;
    const { line, cursor } = this.editable;
    const from = before ? cursor - before.word.length : cursor;
    this.editable.line = line.slice(0, from) + word + line.slice(cursor);
    this.editable.cursor = from + word.length;
    this.last = { at, word };
    this.editable._refreshLine();
  }

  /** Ctrl-R: looks back in the history. True when the key was taken. */
  private searching(key: string): boolean {
    const state = (this.search ??= { text: '', at: this.history.length, saved: this.editable.line });
    const look = (from: number): void => {
      for (let i = from; i >= 0; i--) {
        if (state.text !== '' && this.history[i]?.includes(state.text)) {
          state.at = i;
          return;
        }
      }
    };
    if (key === CTRL.R) look(state.at - 1);
    else if (key === '\x7f' || key === '\b') {
      state.text = [...state.text].slice(0, -1).join('');
      state.at = this.history.length;
      look(state.at - 1);
    } else if (key >= ' ' && !key.startsWith('\x1b') && key !== '\x7f') {
      state.text += key;
      look(Math.min(state.at, this.history.length - 1));
    } else {
      const cancelled = key === CTRL.G || key === CTRL.C;
      const found = cancelled ? state.saved : (this.history[state.at] ?? state.saved);
      this.search = null;
      this.editable.line = found;
      this.editable.cursor = found.length;
      this.options.show('\r\x1b[K');
      this.editable._refreshLine();
      return cancelled || key === '\x1b';
    }
    const failed = state.text !== '' && !this.history[state.at]?.includes(state.text) ? 'failed ' : '';
    this.options.show(`\r\x1b[K(${failed}reverse-i-search)\`${state.text}': ${this.history[state.at] ?? ''}`);
    return true;
  }
}
