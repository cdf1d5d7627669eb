/** The bridge: the only thing the renderer imports from outside its room. Shapes only, no code. */
import type { Action, ActionResult } from '../../engine/lab/action';
import type { ViewName, Views } from '../../engine/lab/views/types';

export type { Action, ActionResult } from '../../engine/lab/action';
export type { Stimulus, StimulusKind, StimulusParameter } from '../../engine/hardware/devices/stimulus';
export type * from '../../engine/lab/views/types';
export type { BitFate } from '../../engine/linux/vfio/pci/explain';
export type { Refusal } from '../../engine/linux/why';

export interface SampleMachine {
  id: string;
  title: string;
  about: string;
}

/** The outcome of opening or saving: a refusal says what and where, and the open document stays as it was. */
export type FileResult =
  | { ok: true; title: string; notes: string[] }
  | { ok: false; cancelled: boolean; message: string; file: string | null; line: number | null; reason: string | null };

export type MenuCommand =
  | 'new'
  | 'open'
  | 'save'
  | 'save-as'
  | 'undo'
  | 'redo'
  | 'palette'
  | 'theme'
  | 'about'
  | 'first-steps'
  | 'collect-script';

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
  newMachine(): Promise<FileResult>;
  /** Begins a lesson on its machine, in a document of its own. */
  openLesson(id: string): Promise<FileResult>;
  /** Answers a question of the open lesson; `choice` counts from 0. */
  answer(question: string, choice: number): Promise<void>;
  /** Takes back what was done since a step began, counted from 0; null: the step in work. How many gestures that were. */
  restartStep(step: number | null): Promise<number>;
  /** A picture of the open lesson's folder as a data URL; null when there is none of that name. */
  lessonPicture(name: string): Promise<string | null>;
  /** The shell script that collects a machine's /sys for import. */
  collectScript(): Promise<string>;
  openTerminal(onData: (data: string) => void, onExit: () => void): TerminalPort;
  onMenu(listener: (command: MenuCommand) => void): () => void;
  copy(text: string): void;
  about(): Promise<AboutInfo>;
}

declare global {
  interface Window {
    readonly vfioLab: VfioLabBridge;
  }
}
