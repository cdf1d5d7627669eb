/**
 * Reads `lesson.md`: YAML front matter, an introduction, and a `## ` heading for each step. What is no prose stands in
 * fenced blocks named check, hint, mistake, solution, question, output, passed and notes; `docs/lessons.md` tells of each.
 */
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { names, readCondition } from './conditions';
import type { Condition } from './conditions';
import type { Block, Check, Lesson, LessonStep, Mistake, Question } from './lesson';
import { LessonError } from './lesson';
import type { SolutionStep } from './solution';
import { solutionStep } from './solution';

const frontMatter = z.strictObject({
  format: z.literal('vfiolab-lesson/1', 'this version of VFIO Lab reads vfiolab-lesson/1'),
  title: z.string().min(1),
  about: z.string().min(1),
  minutes: z.number().int().min(1).max(240),
  machine: z.string().min(1),
  needs: z.array(z.string()).default([]),
  sources: z.array(z.string()).default([]),
});

/** A text that YAML may take for a number. */
const words = z.union([z.string().min(1), z.number().transform(String)]);

const question = z.strictObject({
  id: z.string().min(1),
  ask: z.string().min(1),
  choices: z
    .array(
      z.strictObject({
        text: words,
        right: z.boolean().default(false),
        say: z.string().nullable().default(null),
      }),
    )
    .min(2)
    .refine((choices) => choices.filter((choice) => choice.right).length === 1, 'exactly one choice is right'),
});

interface Fence {
  readonly name: string;
  readonly rest: string;
  readonly text: string;
  /** Line numbers of the fences, from 1. */
  readonly from: number;
  readonly to: number;
}

type Piece = { readonly kind: 'prose'; readonly text: string } | { readonly kind: 'fence'; readonly fence: Fence };

interface Section {
  readonly heading: string | null;
  readonly line: number;
  readonly pieces: Piece[];
}

const OPENING = /^(`{3,}|~{3,})\s*(\S*)\s*(.*)$/;
/** Names of the fenced blocks that are no prose. */
export const BLOCKS: ReadonlySet<string> = new Set([
  'check',
  'hint',
  'mistake',
  'solution',
  'question',
  'output',
  'passed',
  'notes',
]);

class Reader {
  private readonly file: string;
  private readonly lines: readonly string[];

  constructor(file: string, source: string) {
    this.file = file;
    this.lines = source.replaceAll('\r\n', '\n').split('\n');
  }

  fail(line: number, message: string): never {
    throw new LessonError(this.file, line, message);
  }

  read(id: string): Lesson {
    if (this.lines[0] !== '---') this.fail(1, 'a lesson begins with a line "---" and its front matter');
    const end = this.lines.indexOf('---', 1);
    if (end < 0) this.fail(1, 'the front matter does not end: a second line "---" is missing');
    const head = this.yaml(this.lines.slice(1, end).join('\n'), 2, frontMatter);
    const [intro, ...sections] = this.sections(end + 1);
    if (sections.length === 0) this.fail(end + 1, 'there is no step: a line that begins with "## " opens one');
    const steps = sections.map((section) => this.step(section));
    this.unique(steps.map(({ id: name, line }) => [name, line]));
    this.unique(
      steps.flatMap(({ blocks, line }) =>
        blocks.flatMap((block): [string, number][] => (block.kind === 'question' ? [[block.id, line]] : [])),
      ),
    );
    return { id, ...head, intro: this.blocks(intro!), steps };
  }

  private unique(entries: readonly (readonly [string, number])[]): void {
    const seen = new Map<string, number>();
    for (const [name, line] of entries) {
      const before = seen.get(name);
      if (before !== undefined) this.fail(line, `"${name}" is the name of another one too, at line ${before}`);
      seen.set(name, line);
    }
  }

  /** The text before the first step, then a section a step. */
  private sections(from: number): Section[] {
    const sections: Section[] = [{ heading: null, line: from + 1, pieces: [] }];
    let prose: string[] = [];
    const flush = (): void => {
      const text = prose.join('\n').trim();
      if (text !== '') sections.at(-1)!.pieces.push({ kind: 'prose', text });
      prose = [];
    };
    for (let at = from; at < this.lines.length; at++) {
      const line = this.lines[at]!;
      const opening = OPENING.exec(line);
      if (opening !== null) {
        const end = this.closing(at, opening[1]!);
        const name = opening[2]!;
        if (BLOCKS.has(name)) {
          flush();
          const text = this.lines.slice(at + 1, end).join('\n');
          const fence = { name, rest: opening[3]!.trim(), text, from: at + 1, to: end + 1 };
          sections.at(-1)!.pieces.push({ kind: 'fence', fence });
        } else prose.push(...this.lines.slice(at, end + 1));
        at = end;
      } else if (line.startsWith('## ')) {
        flush();
        sections.push({ heading: line.slice(3).trim(), line: at + 1, pieces: [] });
      } else prose.push(line);
    }
    flush();
    return sections;
  }

  private closing(from: number, fence: string): number {
    for (let at = from + 1; at < this.lines.length; at++) {
      const line = this.lines[at]!.trimEnd();
      if (line.startsWith(fence) && line.replaceAll(fence[0]!, '') === '') return at;
    }
    this.fail(from + 1, `this block does not end: a line ${fence} is missing`);
  }

  private step(section: Section): LessonStep {
    const [, title, name] = /^(.*?)(?:\s*\{#([\w-]+)\})?$/.exec(section.heading!)!;
    const blocks = this.blocks(section);
    const fences = section.pieces.flatMap((piece) => (piece.kind === 'fence' ? [piece.fence] : []));
    const of = (kind: string): Fence[] => fences.filter((fence) => fence.name === kind);
    const questions = blocks.filter((block): block is Question => block.kind === 'question');
    const checks = [
      ...questions.map((block) => this.questionCheck(block, section.line)),
      ...of('check').map((fence, index) => this.check(fence, index)),
    ];
    if (checks.length === 0)
      this.fail(section.line, `step "${title}" asks for nothing: it needs a check or a question`);
    const solution = of('solution').flatMap((fence) => this.solution(fence));
    if (solution.length === 0) this.fail(section.line, `step "${title}" has no solution`);
    return {
      id: name ?? slug(title!),
      title: title!,
      line: section.line,
      blocks,
      checks,
      hints: of('hint').map((fence) => fence.text.trim()),
      mistakes: of('mistake').map((fence) => this.mistake(fence)),
      solution,
      passed: of('passed')[0]?.text.trim() ?? null,
      notes: of('notes')[0]?.text.trim() ?? null,
    };
  }

  private blocks({ pieces }: Section): Block[] {
    return pieces.flatMap((piece): Block[] => {
      if (piece.kind === 'prose') return [{ kind: 'prose', markdown: piece.text }];
      const { fence } = piece;
      if (fence.name === 'output') {
        if (fence.rest === '') this.fail(fence.from, 'output needs its command: ```output lspci -nn');
        return [{ kind: 'output', command: fence.rest, text: fence.text, lines: [fence.from, fence.to] }];
      }
      if (fence.name !== 'question') return [];
      return [{ kind: 'question', ...this.yaml(fence.text, fence.from + 1, question) }];
    });
  }

  private questionCheck(block: Question, line: number): Check {
    const condition = this.condition({ answered: { question: block.id } }, line);
    return { id: `question-${block.id}`, say: block.ask, condition, question: block.id };
  }

  private check(fence: Fence, index: number): Check {
    const { id, say, ...rest } = this.yaml(
      fence.text,
      fence.from + 1,
      z.looseObject({ id: z.string().optional(), say: z.string().min(1) }),
    );
    return { id: id ?? `check-${index + 1}`, say, condition: this.condition(rest, fence.from + 1), question: null };
  }

  private mistake(fence: Fence): Mistake {
    const schema = z.strictObject({
      say: z.string().min(1),
      when: z.looseObject({}),
      try: z.union([z.string(), z.array(solutionStep)]).default([]),
    });
    const { say, when, try: tries } = this.yaml(fence.text, fence.from + 1, schema);
    return {
      say,
      when: this.condition(when, fence.from + 1),
      tries: typeof tries === 'string' ? commandSteps(tries) : (tries as SolutionStep[]),
      line: fence.from,
    };
  }

  /** A list in YAML, or plain lines: commands to type. */
  private solution(fence: Fence): SolutionStep[] {
    if (!/^\s*- /.test(fence.text)) return commandSteps(fence.text);
    return this.yaml(fence.text, fence.from + 1, z.array(solutionStep)) as SolutionStep[];
  }

  private condition(value: unknown, line: number): Condition {
    const problems: string[] = [];
    const condition = readCondition(value, (path, message) =>
      problems.push(path === '' ? message : `${path}: ${message}`),
    );
    if (condition === undefined || problems.length > 0)
      this.fail(line, problems[0] ?? `there are ${names().join(', ')}`);
    return condition;
  }

  /** Parses YAML that begins at `line` of the file. */
  private yaml<T>(text: string, line: number, schema: z.ZodType<T>): T {
    const counter = new LineCounter();
    const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
    const error = document.errors[0];
    if (error !== undefined) this.fail(line + counter.linePos(error.pos[0]).line - 1, error.message);
    let plain: unknown;
    try {
      plain = document.toJS({ maxAliasCount: 10 });
    } catch (unresolved) {
      // An alias without its anchor is found only now.
      this.fail(line, unresolved instanceof Error ? unresolved.message : String(unresolved));
    }
    const read = schema.safeParse(plain);
    if (read.success) return read.data;
    const issue = read.error.issues[0]!;
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    const node = document.getIn(path, true) as { range?: [number, number, number] } | undefined;
    const at = node?.range === undefined ? line : line + counter.linePos(node.range[0]).line - 1;
    this.fail(at, path.length === 0 ? issue.message : `${path.join('.')}: ${issue.message}`);
  }
}

/** Plain lines, each a command to type. */
const commandSteps = (text: string): SolutionStep[] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((sh) => ({ sh }));

const slug = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

/** The lesson of a `lesson.md`. `id`: the name of its folder. Throws LessonError with file and line. */
export const readLesson = (id: string, file: string, source: string): Lesson => new Reader(file, source).read(id);
