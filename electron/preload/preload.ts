/** The sandboxed half of the bridge: puts `vfioLab` on the window and nothing else. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import { CHANNEL, START_WORD } from '../bridge/channels';
import type {
  AtStart,
  OpenSource,
  RequestName,
  Requests,
  TerminalInput,
  TerminalOutput,
  ViewChanges,
  ViewRequest,
} from '../bridge/channels';
import type { Notice, Settings, VfioLabBridge, ViewName, Views } from '../bridge/contract';

function ask<Name extends RequestName>(
  name: Name,
  ...parameters: Requests[Name]['parameters']
): Promise<Requests[Name]['result']> {
  return ipcRenderer.invoke(CHANNEL.request, name, parameters);
}

/** A port whose other end main holds. */
function connect(channel: string, message: unknown): MessagePort {
  const { port1, port2 } = new MessageChannel();
  ipcRenderer.postMessage(channel, message, [port2]);
  return port1;
}

const listeners = new Map<number, (value: never) => void>();
let views: MessagePort | null = null;
let lastSubscription = 0;

function viewPort(): MessagePort {
  if (views) return views;
  views = connect(CHANNEL.views, null);
  views.onmessage = (event: MessageEvent<ViewChanges>) => {
    for (const { id, value } of event.data) listeners.get(id)?.(value as never);
  };
  return views;
}

function subscribe<V extends ViewName>(
  view: V,
  parameters: Views[V]['parameters'],
  onValue: (value: Views[V]['value']) => void,
): () => void {
  const id = ++lastSubscription;
  const send = (request: ViewRequest): void => viewPort().postMessage(request);
  listeners.set(id, onValue);
  send({ kind: 'subscribe', id, view, parameters });
  return () => {
    listeners.delete(id);
    send({ kind: 'unsubscribe', id });
  };
}

async function sourceOf(file: File | undefined): Promise<OpenSource> {
  if (!file) return null;
  const path = webUtils.getPathForFile(file);
  if (path !== '') return { path };
  return { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
}

/** Listens on a channel of main's; returns how to stop. */
function hear<T>(channel: string, listener: (value: T) => void): () => void {
  const take = (_event: unknown, value: T): void => listener(value);
  ipcRenderer.on(channel, take);
  return () => ipcRenderer.off(channel, take);
}

/** Main gave them along with the window, so that the first picture has the right theme. */
function atStart(): AtStart {
  const word = process.argv.find((one) => one.startsWith(START_WORD)) ?? '';
  return JSON.parse(decodeURIComponent(word.slice(START_WORD.length))) as AtStart;
}
const { settings, layout } = atStart();

const bridge: VfioLabBridge = {
  act: (action) => ask('act', action),
  subscribe,
  undo: () => ask('undo'),
  redo: () => ask('redo'),
  look: (input) => ask('look', input),
  continueHere: () => ask('continueHere'),
  goToBranch: (tip) => ask('goToBranch', tip),
  nameBranch: (branch, name) => ask('nameBranch', branch, name),
  samples: () => ask('samples'),
  openSample: (id) => ask('openSample', id),
  open: async (file) => ask('open', await sourceOf(file)),
  openText: (text) => ask('openText', text),
  save: (as) => ask('save', as),
  revert: () => ask('revert'),
  exportAs: (format) => ask('exportAs', format),
  savePicture: (name, format, bytes) => ask('savePicture', name, format, bytes),
  programText: (language, of) => ask('programText', language, of),
  recentFiles: () => ask('recentFiles'),
  openRecent: (path) => ask('openRecent', path),
  forgetRecent: () => ask('forgetRecent'),
  newMachine: () => ask('newMachine'),
  openLesson: (id) => ask('openLesson', id),
  answer: (question, choice) => ask('answer', question, choice),
  restartStep: (step) => ask('restartStep', step),
  lessonPicture: (name) => ask('lessonPicture', name),
  collectScript: () => ask('collectScript'),
  openTerminal: (onData, onExit) => {
    const port = connect(CHANNEL.terminal, { columns: 80, rows: 24 });
    const send = (input: TerminalInput): void => port.postMessage(input);
    port.onmessage = (event: MessageEvent<TerminalOutput>) => {
      if (event.data.kind === 'exit') {
        onExit(event.data.end);
        port.close();
        return;
      }
      const { data } = event.data;
      void onData(data).then(() => send({ kind: 'taken', count: data.length }));
    };
    return {
      write: (data) => send({ kind: 'data', data }),
      resize: (columns, rows) => send({ kind: 'resize', columns, rows }),
      close: () => {
        send({ kind: 'close' });
        port.close();
      },
    };
  },
  onMenu: (listener) => hear<string>(CHANNEL.menu, listener),
  showMenu: (model) => ipcRenderer.send(CHANNEL.menus, model),
  onNotice: (listener) => {
    const stop = hear<Notice>(CHANNEL.notice, listener);
    ipcRenderer.send(CHANNEL.listening);
    return stop;
  },
  platform: process.platform === 'darwin' ? 'mac' : process.platform === 'win32' ? 'windows' : 'linux',
  settings,
  layoutAtStart: layout,
  changeSettings: (patch) => ask('changeSettings', patch),
  onSettings: (listener) => hear<Settings>(CHANNEL.settings, listener),
  layout: () => ask('layout'),
  keepLayout: (layout) => ask('keepLayout', layout),
  paintFrame: (bar, symbols) => ask('paintFrame', bar, symbols),
  newWindow: () => ask('newWindow'),
  closeWindow: () => ask('closeWindow'),
  quit: () => ask('quit'),
  toggleFullScreen: () => ask('toggleFullScreen'),
  copy: (text) => ipcRenderer.send(CHANNEL.copy, text),
  clipboard: () => ask('clipboard'),
  about: () => ask('about'),
};

contextBridge.exposeInMainWorld('vfioLab', bridge);
