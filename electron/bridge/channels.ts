/** What travels between preload and main: derived once from the bridge's contract. Shapes and names only. */
import type { FileResult, Settings, TerminalEnd, ViewName, VfioLabBridge } from './contract';

/** Questions with one answer, under the names of the bridge's own methods. */
type Asked = Omit<
  VfioLabBridge,
  | 'subscribe'
  | 'open'
  | 'openTerminal'
  | 'onMenu'
  | 'showMenu'
  | 'onNotice'
  | 'platform'
  | 'settings'
  | 'layoutAtStart'
  | 'onSettings'
  | 'copy'
>;

/** A file to open: null asks the person; bytes are for a dropped file that has no path. */
export type OpenSource = null | { path: string } | { name: string; bytes: Uint8Array };

export type Requests = {
  [Name in keyof Asked]: { parameters: Parameters<Asked[Name]>; result: Awaited<ReturnType<Asked[Name]>> };
} & { open: { parameters: [OpenSource]; result: FileResult } };

export type RequestName = keyof Requests;

export const CHANNEL = {
  /** invoke(name, parameters) */
  request: 'vfio-lab:request',
  /** Renderer → main with a port: views. */
  views: 'vfio-lab:views',
  /** Renderer → main with a port: one terminal. */
  terminal: 'vfio-lab:terminal',
  /** Main → renderer: a command of the native menu. */
  menu: 'vfio-lab:menu',
  /** Renderer → main: the menus of the window. */
  menus: 'vfio-lab:menus',
  /** Main → renderer: a message for the person. */
  notice: 'vfio-lab:notice',
  /** Renderer → main: messages can be shown from now on. */
  listening: 'vfio-lab:listening',
  /** Main → renderer: the settings have changed. */
  settings: 'vfio-lab:settings',
  /** Renderer → main: text for the clipboard. */
  copy: 'vfio-lab:copy',
} as const;

/** What the page needs for its first picture, before it can ask. */
export interface AtStart {
  settings: Settings;
  layout: string | null;
}

/** Begins the word of the window's command line that holds it. */
export const START_WORD = '--vfio-lab-start=';

/** On the port of views, to main. */
export type ViewRequest =
  { kind: 'subscribe'; id: number; view: ViewName; parameters: unknown } | { kind: 'unsubscribe'; id: number };

/** On the port of views, to the renderer: what changed since the last message. */
export type ViewChanges = { id: number; value: unknown }[];

/** On a terminal's port, to main. */
export type TerminalInput =
  | { kind: 'data'; data: string }
  | { kind: 'resize'; columns: number; rows: number }
  /** The screen has shown so many more characters: programs wait for it. */
  | { kind: 'taken'; count: number }
  /** A person closed it. */
  | { kind: 'close' };

/** On a terminal's port, to the renderer. */
export type TerminalOutput = { kind: 'data'; data: string } | { kind: 'exit'; end: TerminalEnd };
