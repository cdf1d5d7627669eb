/** The bridge: the only thing the renderer imports from outside its room. Shapes only, no code. */
import type { Action, ActionResult } from '../../engine/lab/action';
import type { ViewName, Views } from '../../engine/lab/views/types';

export type { Action, ActionResult } from '../../engine/lab/action';
export type { Stimulus, StimulusKind, StimulusParameter } from '../../engine/hardware/devices/stimulus';
export type * from '../../engine/lab/views/types';
export type { CompilerProblem } from '../../engine/shell/c/diagnostics';
export type { BitFate } from '../../engine/linux/vfio/pci/explain';

export interface SampleMachine {
  id: string;
  title: string;
  about: string;
}

/** The outcome of opening or saving: a refusal says what and where, and the open document stays as it was. */
export type FileResult =
  | { ok: true; title: string; notes: string[] }
  | { ok: false; cancelled: boolean; message: string; file: string | null; line: number | null; reason: string | null };

export type Theme = 'system' | 'light' | 'dark' | 'hc';

/** What a person has set, for all windows; kept in the profile. */
export interface Settings {
  theme: Theme;
  /** 1 to 2. */
  zoom: number;
  comfortable: boolean;
  /** What terminals show is read aloud. */
  screenReader: boolean;
  /** `system` follows what the system says of motion. */
  motion: 'system' | 'reduced';
  /** A document that has a file saves itself in a pause of the work. */
  autosave: boolean;
  /** The start page is shown when no document was asked for. */
  startPage: boolean;
  /** Coach marks that were used. */
  marksSeen: string[];
  /** How the Containers pane shows who holds what. */
  containersAs: 'picture' | 'list';
  /** Layouts as text, by the names that the person gave them. */
  namedLayouts: { name: string; layout: string }[];
}

/** Something that the person did not ask for: told in the window, with the commands that help. */
export interface Notice {
  /** `fault`: the lab itself failed. */
  kind: 'info' | 'warning' | 'fault';
  what: string;
  why: string | null;
  /** Ids of commands of the page. */
  commands: readonly string[];
  /** Lines for whoever looks into it. */
  details?: readonly string[];
}

export type MenuItem =
  | { kind: 'separator' }
  | { kind: 'menu'; id: string; label: string; items: MenuItem[] }
  | {
      kind: 'command';
      /** Id of a command of the page. */
      id: string;
      label: string;
      keys: string;
      /** Why it cannot be run now. */
      off: string | null;
      checked: boolean | null;
    };

/** The menus of the window, for a platform that draws them itself. */
export type MenuModel = { id: string; label: string; items: MenuItem[] }[];

/** What is written beside the document: the machine for other programs, or what the lab says of it. */
export type ExportFormat = 'snapshot' | 'hex-dump' | 'sysfs' | 'trace' | 'report-md' | 'report-html';

export interface RecentFile {
  name: string;
  path: string;
}

/** Why a terminal has no shell any more: it ended, its machine booted, or another document was opened. */
export type TerminalEnd = 'exit' | 'reboot' | 'opened';

export interface TerminalPort {
  write(data: string): void;
  resize(columns: number, rows: number): void;
  close(): void;
}

export interface AboutInfo {
  version: string;
  electron: string;
  chrome: string;
  node: string;
  engine: string;
  /** What is in the application besides the lab's own work. */
  parts: { name: string; version: string; licence: string }[];
}

/** What preload puts on `window.vfioLab`. */
export interface VfioLabBridge {
  act(action: Action): Promise<ActionResult>;
  /** Calls `onValue` with the first value and after every change, at most once a frame. Returns the unsubscriber. */
  subscribe<V extends ViewName>(
    view: V,
    parameters: Views[V]['parameters'],
    onValue: (value: Views[V]['value']) => void,
  ): () => void;
  undo(): Promise<ActionResult>;
  redo(): Promise<ActionResult>;
  /** Shows every view as it was after an input; null returns to the present. */
  look(input: number | null): Promise<void>;
  /** Makes the past that is shown the present; what came later stays as a branch. */
  continueHere(): Promise<ActionResult>;
  /** Goes to a branch by its last step. */
  goToBranch(tip: number): Promise<ActionResult>;
  nameBranch(branch: number, name: string): Promise<void>;
  samples(): Promise<SampleMachine[]>;
  openSample(id: string): Promise<FileResult>;
  /** Shows the system's file dialog; or opens a dropped file. */
  open(file?: File): Promise<FileResult>;
  /** Opens pasted text (an lspci listing). */
  openText(text: string): Promise<FileResult>;
  save(as: boolean): Promise<FileResult>;
  /** The document as its file has it. */
  revert(): Promise<FileResult>;
  newMachine(): Promise<FileResult>;
  /** Begins a lesson on its machine, in a document of its own. */
  openLesson(id: string): Promise<FileResult>;
  /** Answers a question of the open lesson; `choice` counts from 0. */
  answer(question: string, choice: number): Promise<void>;
  /** Takes back what was done since a step began, counted from 0; null: the step in work. How many gestures that were. */
  restartStep(step: number | null): Promise<number>;
  /** A picture of the open lesson's folder as a data URL; null when there is none of that name. */
  lessonPicture(name: string): Promise<string | null>;
  /** Asks where to, and writes the machine as it is now. */
  exportAs(format: ExportFormat): Promise<FileResult>;
  /** Asks where to, and writes what the page made: a picture. */
  savePicture(name: string, format: 'svg' | 'png', bytes: Uint8Array<ArrayBuffer>): Promise<FileResult>;
  /** What a process did, or a step by its number, as text that does it again. */
  programText(language: 'c' | 'shell', of: number | { step: number }): Promise<string>;
  recentFiles(): Promise<RecentFile[]>;
  openRecent(path: string): Promise<FileResult>;
  forgetRecent(): Promise<void>;
  /** The shell script that collects a machine's /sys for import. */
  collectScript(): Promise<string>;
  /** Programs wait for the promise of `onData` when they print faster than the screen shows. */
  openTerminal(onData: (data: string) => Promise<void>, onExit: (end: TerminalEnd) => void): TerminalPort;
  /** A command of the native menu, by the id of the page's command. */
  onMenu(listener: (command: string) => void): () => void;
  showMenu(model: MenuModel): void;
  onNotice(listener: (notice: Notice) => void): () => void;
  readonly platform: 'mac' | 'windows' | 'linux';
  /** As the window was opened; later ones come to `onSettings`. */
  readonly settings: Settings;
  changeSettings(patch: Partial<Settings>): Promise<void>;
  onSettings(listener: (settings: Settings) => void): () => void;
  /** The layout of the document that the window opens with; later ones by `layout`. */
  readonly layoutAtStart: string | null;
  /** The layout that the open document was last seen with, as the page wrote it. */
  layout(): Promise<string | null>;
  keepLayout(layout: string): Promise<void>;
  /** Colours of the window's own buttons in the title bar, `#rrggbb`. */
  paintFrame(bar: string, symbols: string): Promise<void>;
  newWindow(): Promise<void>;
  closeWindow(): Promise<void>;
  quit(): Promise<void>;
  toggleFullScreen(): Promise<void>;
  copy(text: string): void;
  /** The text on the clipboard. */
  clipboard(): Promise<string>;
  about(): Promise<AboutInfo>;
}

declare global {
  interface Window {
    readonly vfioLab: VfioLabBridge;
  }
}
