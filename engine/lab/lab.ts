/** The lab as the window, the terminal and the command line use it: one open document, its views, its actions. */
import type { MachineDescription } from '../hardware/description';
import { EMPTY_MACHINE } from '../hardware/parts/empty-machine';
import type { Answer, TracedOperation } from '../linux/uapi/operation';
import type { LinearMemory } from '../shell/c/abi';
import type { CompilerProblem } from '../shell/c/diagnostics';
import type { ProgramHost, ToldCall } from '../shell/c/host';
import type { DeviceSheet, HeldByProcess, InterruptArrival } from '../shell/user-space';
import type { Action, ActionResult } from './action';
import { actionLabel, runAction } from './actions';
import { arrivalsSince } from './arrivals';
import type { DocumentContents, DocumentStep } from './document/format';
import { looksLikeDocument, readDocument, serializeDocument } from './document/format';
import { deviceSheet } from './device-sheet';
import { explainSubject } from './explain';
import { exportMachine } from './export';
import type { ExportFormat } from './export';
import { cProgram } from './export/c-program';
import { presentMachine } from './export/present';
import { answeredSteps } from './export/process-calls';
import type { AnsweredStep } from './export/process-calls';
import { report } from './export/report';
import { html, markdown } from './export/report-blocks';
import { shellLines } from './export/shell-lines';
import { traceOf } from './export/trace';
import { explainWrite } from '../linux/vfio/pci/explain';
import { heldBy } from './held';
import { holdingsOf, vfioPciOf } from './holdings';
import type { LabHost, OpenedLesson, SampleMachine, TerminalHandle } from './host';
import { importFolder, importMachine } from './import';
import { COLLECT_SCRIPT } from './import/collect-script';
import type { Input } from './input';
import { History } from './journal';
import type { LessonStep, Mistake } from './lessons/lesson';
import type { LessonRecord } from './lessons/grade';
import { LessonError } from './lessons/lesson';
import { LessonPlayer } from './lessons/player';
import type { PlayedStep } from './lessons/player';
import { LessonRun } from './lessons/run';
import type { Fault, Looker, Moved } from './journal';
import type { Machine, Outcome } from './machine';
import { namesFor } from './names';
import type { Names } from './names';
import { importNotes, opening, refused } from './opening';
import type { OpenResult } from './opening';
import type { LiveProgram } from './program';
import { stateHash } from './state-hash';
import { Terminals } from './terminals';
import type { NewTerminal } from './terminals';
import type { CommandLine, MachineDoor } from './user-space';
import { forgetReceivers, LabUserSpace } from './user-space';
import { viewOf } from './views';
import { GroupHistory } from './views/group-history';
import type { EditorView, ViewName, Views } from './views/types';

/** What becomes of the open document: a step, or it is another one, or the same in a file. */
export type DocumentEvent = { kind: 'step'; step: DocumentStep } | { kind: 'opened' } | { kind: 'saved' };

const ACS = 0x0d;
const PROBLEMS_KEPT = 200;
/** What a running program does becomes a step of the document this often. */
const SEAL_MS = 200;
const FIRST_PID = 1000;
const INIT: Looker = { pid: 1, parent: null, name: 'init', uid: 0 };

export class Lab implements MachineDoor {
  private readonly host: LabHost;
  private history: History;
  private title: string;
  private path: string | null = null;
  private saved = true;
  private names: Names;
  private lastPid = FIRST_PID;
  private lesson: OpenedLesson | null = null;
  /** What the document says of a lesson that is not to be had here: it is kept as it was. */
  private strangeLesson: LessonRecord | null = null;
  private player: LessonPlayer | null = null;
  private editor: EditorView = { wish: null, compilations: 0, problems: [] };
  /** When a running program's doings became a step last. */
  private sealed = 0;
  /** What the screen shows instead of the present: a machine of the past. Nothing is done to it. */
  private past: { machine: Machine; names: Names } | null = null;
  private readonly groups = new GroupHistory();
  private readonly terminals: Terminals;
  private readonly listeners = new Set<() => void>();
  private readonly once = new Set<() => void>();
  private readonly followers = new Set<(event: DocumentEvent) => void>();
  private readonly faultListeners = new Set<(fault: Fault) => void>();

  constructor(host: LabHost, description: MachineDescription) {
    this.host = host;
    this.terminals = new Terminals(host, this, (line) => this.tell({ kind: 'step', step: { typed: line } }));
    this.history = this.followed(History.of(description));
    this.title = description.name;
    this.names = namesFor(description.functions);
  }

  /** A lab with its first sample machine open. */
  static create(host: LabHost): Lab {
    const first = host.samples()[0];
    if (!first) throw new Error('The lab has no sample machine.');
    const lab = new Lab(host, importMachine(first.id, host.readSample(first.id)));
    lab.title = first.title;
    return lab;
  }

  get machine(): Machine {
    return this.history.machine;
  }

  /** Fingerprint of the machine's state: equal after a replay of the journal. */
  get hash(): string {
    return stateHash(this.machine.kernel);
  }

  // ---- views

  view<V extends ViewName>(name: V, parameters: Views[V]['parameters']): Views[V]['value'] {
    const machine = this.past?.machine ?? this.machine;
    return viewOf(
      {
        machine,
        history: this.history,
        shown: machine.journal.length,
        names: this.past?.names ?? this.names,
        groups: this.groups,
        editor: this.editor,
        observe: (operation) => machine.observe(INIT.pid, operation),
        lesson: this.lesson,
        lessons: this.host.lessons,
        document: {
          title: this.title,
          path: this.path,
          saved: this.saved,
          inputs: this.machine.journal.length,
          undo: this.history.undoLabel,
          redo: this.history.redoLabel,
          past: this.pastView(),
        },
      },
      name,
      parameters,
    );
  }

  /** Called after every change. Returns how to stop. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Called at once with everything that becomes of the document, before its answer is given. */
  onDocument(listener: (event: DocumentEvent) => void): () => void {
    this.followers.add(listener);
    return () => this.followers.delete(listener);
  }

  /** Called when the lab itself failed at an input, which was taken back. */
  onFault(listener: (fault: Fault) => void): () => void {
    this.faultListeners.add(listener);
    return () => this.faultListeners.delete(listener);
  }

  private tell(event: DocumentEvent): void {
    for (const listener of this.followers) listener(event);
  }

  private changed(): void {
    const once = [...this.once];
    this.once.clear();
    for (const listener of once) listener();
    for (const listener of this.listeners) listener();
  }

  // ---- the door

  apply(input: Input, label: string, key: object): Outcome {
    const { step, ...outcome } = this.history.apply(input, label, key);
    if (step !== null) {
      this.saved = false;
      this.tell({ kind: 'step', step });
    }
    if (input.kind === 'edit') this.names = namesFor(this.machine.description.functions);
    // What made the machine boot prints its last words first.
    if (input.kind === 'reboot' && outcome.error === null)
      void this.host.breathe().then(() => this.terminals.end('reboot'));
    this.changed();
    return outcome;
  }

  // ---- programs in C

  get programs(): ProgramHost | undefined {
    return this.host.programs;
  }

  attach(pid: number, memory: LinearMemory, owner: () => { label: string; key: object }): LiveProgram | null {
    return this.history.attach(pid, memory, owner, {
      stepped: () => this.programStepped(),
      onNextChange: (listener) => this.onNextChange(listener),
    });
  }

  private programStepped(): void {
    const now = this.host.realtime();
    if (now - this.sealed >= SEAL_MS) {
      this.sealed = now;
      this.history.seal();
    }
    this.saved = false;
    this.changed();
  }

  programCalled(pid: number, call: ToldCall): void {
    this.machine.recording?.tellCall(pid, call.line, call.result, call.why);
  }

  // ---- the editor

  edit(path: string, line: number | null): void {
    const number = (this.editor.wish?.number ?? 0) + 1;
    this.editor = { ...this.editor, wish: { number, path, line } };
    this.changed();
  }

  compiled(problems: readonly CompilerProblem[]): void {
    this.editor = {
      ...this.editor,
      compilations: this.editor.compilations + 1,
      problems: problems.slice(0, PROBLEMS_KEPT),
    };
    this.changed();
  }

  /** Steps that programs make become steps of the document. */
  private followed(history: History): History {
    history.onSealed = (step) => this.tell({ kind: 'step', step });
    history.onFault = (fault) => {
      for (const listener of this.faultListeners) listener(fault);
    };
    return history;
  }

  observe(looker: Looker, operation: TracedOperation): Answer {
    return this.history.observe(looker, operation);
  }

  exists(pid: number): boolean {
    return this.machine.kernel.processes.get(pid) !== null;
  }

  newPid(): number {
    return ++this.lastPid;
  }

  onNextChange(listener: () => void): () => void {
    this.once.add(listener);
    return () => this.once.delete(listener);
  }

  breathe(): Promise<void> {
    return this.host.breathe();
  }

  delay(ms: number, signal: AbortSignal): Promise<void> {
    return this.host.delay(ms, signal);
  }

  now(): { realtime: number; monotonic: number } {
    return { realtime: this.host.realtime(), monotonic: Number(this.machine.kernel.clock.now / 1_000_000n) };
  }

  deviceSheet(device: string): DeviceSheet | null {
    return deviceSheet(this.machine.kernel, device);
  }

  explain(subject: readonly string[]): string[] | null {
    return explainSubject(this.machine.kernel, subject);
  }

  held(pid: number): HeldByProcess {
    return heldBy(this.machine.kernel, pid);
  }

  arrivals(from: number, uid: number): { next: number; list: InterruptArrival[] } {
    return arrivalsSince(this.machine.kernel, from, uid);
  }

  // ---- actions

  act(action: Action): ActionResult {
    if (this.past) return refusedAction(PAST);
    const key = {};
    const label = actionLabel(action);
    const apply = (input: Input): Outcome => this.apply(input, label, key);
    const spawn = (name: string): number => {
      const pid = this.newPid();
      apply({ kind: 'spawn', pid, parent: 1, name, uid: 0 });
      return pid;
    };
    const result = runAction(
      {
        apply,
        spawn,
        observe: (operation) => this.observe(INIT, operation),
        rootPid: () => 1,
        holdings: () => holdingsOf(this.machine.kernel),
        acsAt: (address) => this.machine.kernel.pci.devices.get(address)?.config.findExtendedCapability(ACS) || null,
        isListed: (address) => this.machine.kernel.pci.devices.has(address),
        explainWrite: (address, offset, data) => {
          const filter = vfioPciOf(this.machine.kernel, address)?.filter;
          return filter ? explainWrite(filter, offset, data) : null;
        },
      },
      action,
    );
    return this.history.isLast(key) ? { ...result, step: { number: this.history.all.length, label } } : result;
  }

  undo(): ActionResult {
    return this.moved(this.past ? null : this.history.undo(), 'There is nothing to undo.', 'Undone');
  }

  redo(): ActionResult {
    return this.moved(this.past ? null : this.history.redo(), 'There is nothing to redo.', 'Done again');
  }

  private moved(moved: Moved | null, nothing: string, verb: string): ActionResult {
    if (moved === null) return refusedAction(this.past ? PAST : nothing);
    this.past = null;
    this.saved = false;
    this.names = namesFor(this.machine.description.functions);
    this.tell({ kind: 'step', step: moved.step });
    this.changed();
    return { ok: true, message: `${verb}: ${moved.label}.`, errno: null, why: null, calls: [] };
  }

  // ---- the past

  private pastView(): Views['machine']['value']['document']['past'] {
    if (!this.past) return null;
    const input = this.past.machine.journal.length;
    return { input, of: this.history.length.shown, label: this.history.labelAt(input) };
  }

  /** The screen shows the past: nothing may be done from it. */
  get looking(): boolean {
    return this.past !== null;
  }

  /** Shows the machine as it was after `input` inputs, without changing anything; null returns to the present. */
  look(input: number | null): void {
    const { inForce, shown } = this.history.length;
    const wanted = input === null ? inForce : Math.max(0, Math.min(shown, Math.floor(input)));
    if (wanted === inForce) this.past = null;
    else {
      const machine = this.history.at(wanted, this.past?.machine ?? null);
      this.past = { machine, names: namesFor(machine.description.functions) };
    }
    this.changed();
  }

  /** Makes the past that is shown the present. What came later stays as a branch, and undo leads back to it. */
  continueHere(): ActionResult {
    if (!this.past) return refusedAction('The present is shown already.');
    const input = this.past.machine.journal.length;
    const label = `Continue from input ${input}`;
    return this.moved(this.history.continueFrom(input, label), 'The present is shown already.', 'Done');
  }

  /** Goes to the last step of a branch; undo leads back. */
  goToBranch(tip: number): ActionResult {
    const branch = this.history.aside.find((one) => one.tip === tip);
    if (!branch) return refusedAction('There is no such branch.');
    const name = this.history.nameOf(branch.branch) ?? `branch ${branch.branch}`;
    return this.moved(this.history.goTo(tip, `Go to ${name}`), 'There is no such branch.', 'Done');
  }

  nameBranch(branch: number, name: string): void {
    this.saved = false;
    this.tell({ kind: 'step', step: this.history.nameBranch(branch, name.trim().slice(0, 100)) });
    this.changed();
  }

  // ---- documents

  samples(): readonly SampleMachine[] {
    return this.host.samples();
  }

  openSample(id: string): OpenResult {
    const sample = this.host.samples().find((candidate) => candidate.id === id);
    if (!sample) return refused(`There is no sample machine ${id}.`, null, null, null);
    const result = this.openBytes(id, this.host.readSample(id), null);
    if (result.ok) {
      this.title = sample.title;
      this.changed();
    }
    return result;
  }

  /** Opens a document or a dump of any kind. Never throws for what is in the file. */
  openBytes(fileName: string, bytes: Uint8Array, path: string | null): OpenResult {
    return opening(fileName, (base) => {
      const head = new TextDecoder().decode(bytes.subarray(0, 256));
      if (looksLikeDocument(head)) {
        return this.openContents(readDocument(new TextDecoder().decode(bytes)), base, path);
      }
      const description = importMachine(base, bytes);
      this.replace(History.of(description), base, null);
      return importNotes(description);
    });
  }

  /** Opens a copy of a machine's /sys: the folder's files, and its symbolic links' targets, by their path in it. */
  openFolder(folderName: string, files: Map<string, Uint8Array>, links: Map<string, string>): OpenResult {
    return opening(folderName, (base) => {
      const description = importFolder(base, files, links);
      this.replace(History.of(description), base, null);
      return importNotes(description);
    });
  }

  /** Brings back a document that is in no file as it is here. */
  recover(title: string, bytes: Uint8Array, path: string | null): OpenResult {
    const result = this.openBytes(title, bytes, path);
    if (!result.ok) return result;
    this.title = title;
    this.saved = false;
    this.changed();
    return result;
  }

  private openContents(contents: DocumentContents, base: string, path: string | null): string[] {
    const found = contents.lesson ? this.findLesson(contents.lesson.id) : null;
    const opened = found instanceof LessonError ? null : found;
    this.replace(
      new History(contents, opened ? () => new LessonRun(opened.lesson) : undefined),
      base,
      path,
      opened,
      contents.typed,
    );
    if (!(found instanceof LessonError)) return [];
    this.strangeLesson = contents.lesson ?? null;
    return [`This is a way through the lesson ${contents.lesson!.id}, which cannot be shown here: ${found.message}.`];
  }

  newMachine(): OpenResult {
    this.replace(History.of(EMPTY_MACHINE), 'untitled', null);
    return { ok: true, title: 'untitled', notes: [] };
  }

  /** The document as a file's contents. */
  serialize(): Uint8Array {
    const { lesson } = this;
    const { typed } = this.terminals;
    const record = lesson ? { id: lesson.lesson.id, claims: this.run?.claims ?? [] } : this.strangeLesson;
    const contents = { ...this.history.contents, typed, ...(record && { lesson: record }) };
    return new TextEncoder().encode(serializeDocument(contents));
  }

  markSaved(path: string): void {
    this.path = path;
    this.title = path.split(/[\\/]/).at(-1) ?? path;
    this.saved = true;
    this.tell({ kind: 'saved' });
    this.changed();
  }

  /** The machine as it is now for other programs, or what the lab says of it. */
  exportAs(format: ExportFormat | 'trace' | 'report-md' | 'report-html'): Uint8Array {
    const text = (content: string): Uint8Array => new TextEncoder().encode(content);
    switch (format) {
      case 'trace':
        return text(traceOf(this.history.contents, this.machine.base.name).text);
      case 'report-md':
      case 'report-html': {
        const blocks = report((name, parameters) => this.view(name, parameters));
        return text(format === 'report-md' ? markdown(blocks) : html(blocks, this.title));
      }
      default:
        return exportMachine(presentMachine(this.past?.machine ?? this.machine), format);
    }
  }

  /**
   * What was done as text that does it again: of a process all that it did, as a C program or as commands; of the last
   * step its commands, or the program of the process that made it.
   */
  /** What a process did, or one step of the document: in C with all that its process did before. */
  programText(language: 'c' | 'shell', of: number | { step: number }): string {
    const { contents } = this.history;
    if (typeof of === 'number') return this.processText(language, of, answeredSteps(contents, of));
    const all = answeredSteps(contents, null);
    const at = all.find(({ number }) => number === of.step);
    if (language === 'shell') return shellLines(all, at ? all.indexOf(at) : all.length);
    const pid = at?.calls.at(-1)?.pid ?? 1;
    const until = at?.number ?? 0;
    return this.processText(
      language,
      pid,
      answeredSteps(contents, pid).filter(({ number }) => number <= until),
    );
  }

  private processText(language: 'c' | 'shell', pid: number, steps: readonly AnsweredStep[]): string {
    if (language === 'shell') return shellLines(steps);
    const name = this.machine.kernel.processes.get(pid)?.name ?? `process ${pid}`;
    return cProgram(steps, `What ${name} (${pid}) did in VFIO Lab, on ${this.title}.`);
  }

  collectScript(): string {
    return COLLECT_SCRIPT;
  }

  // ---- lessons

  /** The learner's way through the open lesson. */
  private get run(): LessonRun | null {
    const { follower } = this.machine;
    return follower instanceof LessonRun ? follower : null;
  }

  private findLesson(id: string): OpenedLesson | LessonError {
    return this.lessonOrError(() => this.host.lessons.open(id));
  }

  private lessonOrError(open: () => OpenedLesson): OpenedLesson | LessonError {
    try {
      return open();
    } catch (error) {
      if (error instanceof LessonError) return error;
      throw error;
    }
  }

  /** Begins a lesson on its machine, in a document of its own. */
  openLesson(id: string): OpenResult {
    return this.beginLesson(this.findLesson(id));
  }

  /** Begins the lesson of a folder outside the library. */
  openLessonAt(folder: string): OpenResult {
    return this.beginLesson(this.lessonOrError(() => this.host.lessons.openAt(folder)));
  }

  private beginLesson(opened: OpenedLesson | LessonError): OpenResult {
    if (opened instanceof LessonError) {
      return refused(`The lesson was not opened. ${opened.message}`, opened.file, opened.line, opened.message);
    }
    this.replace(
      History.of(opened.machine, () => new LessonRun(opened.lesson)),
      opened.lesson.title,
      null,
      opened,
    );
    return { ok: true, title: opened.lesson.title, notes: [] };
  }

  /** A file of the open lesson's folder; null when there is none of that name. */
  lessonFile(name: string): Uint8Array | null {
    return this.lesson?.file(name) ?? null;
  }

  /** Answers a question of the lesson. */
  answer(question: string, choice: number): void {
    this.apply({ kind: 'answer', question, choice }, 'Answer a question', {});
  }

  /** Takes back everything that was done since a step began, the step in work without one; how many gestures that were. */
  restartStep(step: number | null = null): number {
    const { run } = this;
    const begun = run?.progress(this.machine).steps[step ?? run.claims.length]?.begun;
    if (begun == null) return 0;
    let taken = 0;
    while (this.machine.journal.length > begun && this.undo().ok) {
      if (this.machine.journal.length < begun) {
        // What passed the step before went on a little: it belongs to that one.
        this.redo();
        break;
      }
      taken++;
    }
    return taken;
  }

  /** Plays the solution of the step in work: its commands in a shell of its own, its actions as the window's. */
  async showStep(told: (played: PlayedStep) => void): Promise<void> {
    const step = this.stepInWork;
    if (step) await this.solver().play(step, step.solution, told);
  }

  /** Takes a wrong way in the step in work, as a lesson's author wrote it down. */
  async tryMistake(mistake: Mistake, told: (played: PlayedStep) => void): Promise<void> {
    const step = this.stepInWork;
    if (step) await this.solver().play(step, mistake.tries, told);
  }

  private get stepInWork(): LessonStep | undefined {
    return this.lesson?.lesson.steps[this.run?.claims.length ?? 0];
  }

  private solver(): LessonPlayer {
    const command: { current: CommandLine } = { current: { label: 'show me' } };
    this.player ??= new LessonPlayer({
      system: new LabUserSpace(this, { pid: this.newPid(), parent: null, name: 'bash', uid: 0, command }),
      act: (action) => this.act(action),
      answer: (question, choice) => this.answer(question, choice),
      wait: (ms) => void this.apply({ kind: 'time', ms }, 'Wait', {}),
      announce: (label) => {
        command.current = { label };
      },
    });
    return this.player;
  }

  private replace(
    history: History,
    title: string,
    path: string | null,
    lesson: OpenedLesson | null = null,
    typed: readonly string[] = [],
  ): void {
    this.terminals.end('opened');
    forgetReceivers(this);
    this.terminals.typed = [...typed];
    this.history.machine.drop();
    this.history = this.followed(history);
    this.lesson = lesson;
    this.strangeLesson = null;
    this.player = null;
    this.title = title;
    this.path = path;
    this.saved = true;
    this.names = namesFor(history.machine.description.functions);
    this.past = null;
    this.groups.forget();
    this.editor = { ...this.editor, problems: [] };
    for (const input of history.machine.journal) {
      if (input.kind === 'spawn') this.lastPid = Math.max(this.lastPid, input.pid);
    }
    this.tell({ kind: 'opened' });
    this.changed();
  }

  // ---- terminals

  openTerminal(options: NewTerminal): TerminalHandle {
    return this.terminals.open(options);
  }
}

const PAST = 'The past cannot be changed. Return to the present, or continue from here.';

const refusedAction = (message: string): ActionResult => ({ ok: false, message, errno: null, why: null, calls: [] });
