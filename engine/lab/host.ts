/** The lab's seam to where it runs: terminals, sample machines, lessons, real time, compilers. */
import type { MachineDescription } from '../hardware/description';
import type { ProgramHost } from '../shell/c/host';
import type { UserSpace } from '../shell/user-space';
import type { Lesson } from './lessons/lesson';

export interface LessonList {
  readonly readable: readonly Lesson[];
  readonly broken: readonly { id: string; message: string }[];
}

/** The lessons that the lab knows, by id. Opening throws LessonError for a broken one. */
export interface LessonLibrary {
  list(): LessonList;
  open(id: string): OpenedLesson;
  /** The lesson of a folder; from then on the library knows it by its id too. */
  openAt(folder: string): OpenedLesson;
}

export interface OpenedLesson {
  readonly lesson: Lesson;
  /** What it starts on. */
  readonly machine: MachineDescription;
  /** A file of the lesson's folder; null when there is none of that name. */
  readonly file: (name: string) => Uint8Array | null;
}

export interface SampleMachine {
  id: string;
  title: string;
  about: string;
}

/** A terminal on the screen: what it shows goes to `onData`. */
export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  /** Shows text; a promise asks programs to wait for it. */
  readonly onData: (data: string) => void | Promise<void>;
  readonly onExit: () => void;
  /** Lines typed before, oldest first. */
  readonly history: readonly string[];
  /** A command line begins. */
  readonly onCommand: (line: string) => void;
}

export interface TerminalHandle {
  write(data: string): void;
  resize(columns: number, rows: number): void;
  /** The screen is gone. `hangUp`: because a person closed it, so that the shell's process ends too. */
  close(hangUp?: boolean): void;
}

/** What the lab needs from where it runs. */
export interface LabHost {
  /** Line editing and job control around the shell. */
  openTerminal(system: UserSpace, options: TerminalOptions): TerminalHandle;
  samples(): readonly SampleMachine[];
  readSample(id: string): Uint8Array;
  lessons: LessonLibrary;
  /** Resolves after `ms` of real time, at once when aborted. */
  delay(ms: number, signal: AbortSignal): Promise<void>;
  breathe(): Promise<void>;
  /** Real time in milliseconds since 1970, for what only the screen shows. */
  realtime(): number;
  /** Compiles and runs programs in C; left out where that cannot be. */
  readonly programs?: ProgramHost;
}
