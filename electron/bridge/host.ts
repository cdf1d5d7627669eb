/** Main's end of the bridge: checks who asks and what, and hands it to the document of the asking window. */
import { app, clipboard, ipcMain } from 'electron';
import type { IpcMainEvent, IpcMainInvokeEvent } from 'electron';
import path from 'node:path';
import { exportFile } from '../exports';
import { lessonPicture } from '../lesson-picture';
import type { Menus } from '../menu';
import { bundledParts } from '../parts';
import type { Recent } from '../recent';
import { isOurs } from '../security';
import type { Session, Workings } from '../session';
import type { Sessions } from '../sessions';
import type { SettingsFile } from '../settings';
import { TITLE_BAR } from '../windows';
import { CHANNEL } from './channels';
import type { RequestName, Requests } from './channels';
import { clipboardText, isRequestName, menuModel, parseViewRequest, requests } from './schemas';
import { Subscriptions } from './subscriptions';
import { serveTerminal } from './terminals';

type Answers = {
  [Name in RequestName]: (
    ...parameters: Requests[Name]['parameters']
  ) => Requests[Name]['result'] | Promise<Requests[Name]['result']>;
};

interface House {
  readonly sessions: Sessions;
  readonly settings: SettingsFile;
  readonly recent: Recent;
}

function answersOf(session: Session, { lab, files, recovery }: Workings, house: House): Answers {
  const { sessions, settings, recent } = house;
  const { window } = session;
  /** An answer is given when what it tells would outlast a loss of power. */
  const lasting = async <T>(answer: T): Promise<T> => {
    await recovery.settled();
    return answer;
  };
  const document = (): string | null => session.path;
  return {
    act: (action) => lasting(lab.act(action)),
    undo: () => lasting(lab.undo()),
    redo: () => lasting(lab.redo()),
    look: (input) => lab.look(input),
    continueHere: () => lasting(lab.continueHere()),
    goToBranch: (tip) => lasting(lab.goToBranch(tip)),
    nameBranch: (branch, name) => lasting(lab.nameBranch(branch, name)),
    samples: () => [...lab.samples()],
    openSample: (id) => files.openSample(id),
    open: (source) => files.open(source),
    openText: (text) => files.openText(text),
    save: (as) => files.save(as),
    revert: () => files.revert(),
    newMachine: () => files.newMachine(),
    openLesson: (id) => files.openLesson(id),
    answer: (question, choice) => lasting(lab.answer(question, choice)),
    restartStep: (step) => lasting(lab.restartStep(step)),
    lessonPicture: (name) => lessonPicture(lab, name),
    exportAs: (format) => exportFile(lab, files, format),
    savePicture: (name, format, bytes) => files.saveAside(name, format, format.toUpperCase(), bytes),
    programText: (language, of) => lab.programText(language, of),
    recentFiles: () => recent.files.map((file) => ({ name: path.basename(file), path: file })),
    openRecent: (file) => files.openPath(file),
    forgetRecent: () => recent.clear(),
    collectScript: () => lab.collectScript(),
    clipboard: () => clipboard.readText(),
    changeSettings: (patch) => settings.change(patch),
    layout: () => settings.layoutOf(document()),
    keepLayout: (layout) => settings.keepLayout(document(), layout),
    paintFrame: (bar, symbols) => {
      if (process.platform === 'darwin') return;
      window.setTitleBarOverlay({ color: bar, symbolColor: symbols, height: TITLE_BAR });
    },
    newWindow: () => void sessions.open(),
    closeWindow: () => window.close(),
    quit: () => app.quit(),
    toggleFullScreen: () => window.setFullScreen(!window.isFullScreen()),
    about: () => ({
      version: app.getVersion(),
      electron: process.versions.electron,
      chrome: process.versions.chrome,
      node: process.versions.node,
      engine: `Linux ${lab.view('machine', null).release}`,
      parts: bundledParts(),
    }),
  };
}

class StrangerError extends Error {}

async function answer<Name extends RequestName>(
  answers: Answers,
  name: Name,
  parameters: unknown,
): Promise<Requests[Name]['result']> {
  return answers[name](...requests[name].parse(parameters));
}

/** Serves every window from the lab of its own document. A lab may still be loading when the first question comes. */
export function serveBridge(sessions: Sessions, settings: SettingsFile, recent: Recent, menus: Menus): void {
  const house = { sessions, settings, recent };
  const sessionOf = (event: IpcMainEvent | IpcMainInvokeEvent): Session => {
    const session = isOurs(event.senderFrame) ? sessions.of(event.sender) : null;
    if (!session) throw new StrangerError('A message from another page was refused.');
    return session;
  };

  ipcMain.handle(CHANNEL.request, async (event, name: unknown, parameters: unknown) => {
    const session = sessionOf(event);
    if (!isRequestName(name)) throw new TypeError('There is no such request.');
    try {
      return await answer(answersOf(session, await session.workings, house), name, parameters);
    } catch (error) {
      // The page is told by the notice; what it threw away with the answer says no more.
      const what = `The lab failed at a request of the window (${name}).`;
      session.fault(what, error);
      throw new Error(what);
    }
  });

  ipcMain.on(CHANNEL.views, (event) => {
    const session = sessionOf(event);
    const port = event.ports[0];
    if (!port) return;
    void session.workings.then(({ lab }) => {
      const views = new Subscriptions(
        lab,
        (changes) => port.postMessage(changes),
        (view, error) => session.fault(`A part of the window cannot be shown (${view}).`, error),
      );
      port.on('message', (message) => views.take(parseViewRequest(message.data)));
      port.on('close', () => views.close());
      port.start();
    });
  });

  ipcMain.on(CHANNEL.terminal, (event, size: unknown) => {
    const session = sessionOf(event);
    const port = event.ports[0];
    if (port) void session.workings.then(({ lab, recovery }) => serveTerminal(lab, recovery, size, port));
  });

  ipcMain.on(CHANNEL.listening, (event) => sessionOf(event).listen());

  ipcMain.on(CHANNEL.menus, (event, model: unknown) => {
    menus.take(sessionOf(event).window, menuModel.parse(model));
  });

  ipcMain.on(CHANNEL.copy, (event, text: unknown) => {
    sessionOf(event);
    clipboard.writeText(clipboardText.parse(text));
  });
}
