/** Main's end of the bridge: checks who asks and what, and hands it to the lab. */
import { app, clipboard, ipcMain } from 'electron';
import type { IpcMainEvent, IpcMainInvokeEvent } from 'electron';
import type { Lab } from '../../engine/lab/lab';
import type { Files } from '../files';
import { lessonPicture } from '../lesson-picture';
import { isOurs } from '../security';
import { CHANNEL } from './channels';
import type { RequestName, Requests } from './channels';
import { clipboardText, isRequestName, parseViewRequest, requests } from './schemas';
import { Subscriptions } from './subscriptions';
import { serveTerminal } from './terminals';

type Answers = {
  [Name in RequestName]: (
    ...parameters: Requests[Name]['parameters']
  ) => Requests[Name]['result'] | Promise<Requests[Name]['result']>;
};

const answersOf = (lab: Lab, files: Files): Answers => ({
  act: (action) => lab.act(action),
  undo: () => lab.undo(),
  redo: () => lab.redo(),
  look: (input) => lab.look(input),
  continueHere: () => lab.continueHere(),
  goToBranch: (tip) => lab.goToBranch(tip),
  nameBranch: (branch, name) => lab.nameBranch(branch, name),
  samples: () => [...lab.samples()],
  openSample: (id) => files.openSample(id),
  open: (source) => files.open(source),
  openText: (text) => files.openText(text),
  save: (as) => files.save(as),
  newMachine: () => files.newMachine(),
  openLesson: (id) => files.openLesson(id),
  answer: (question, choice) => lab.answer(question, choice),
  restartStep: (step) => lab.restartStep(step),
  lessonPicture: (name) => lessonPicture(lab, name),
  collectScript: () => lab.collectScript(),
  about: () => ({
    version: app.getVersion(),
    electron: process.versions.electron,
    chrome: process.versions.chrome,
    node: process.versions.node,
    engine: `Linux ${lab.view('machine', null).release}`,
  }),
});

class StrangerError extends Error {}

function check(event: IpcMainEvent | IpcMainInvokeEvent): void {
  if (!isOurs(event.senderFrame)) throw new StrangerError('A message from another page was refused.');
}

async function answer<Name extends RequestName>(
  answers: Answers,
  name: Name,
  parameters: unknown,
): Promise<Requests[Name]['result']> {
  return answers[name](...requests[name].parse(parameters));
}

/** Serves every window from one lab. The lab may still be loading when the first question comes. */
export function serveBridge(ready: Promise<{ lab: Lab; files: Files }>): void {
  ipcMain.handle(CHANNEL.request, async (event, name: unknown, parameters: unknown) => {
    check(event);
    if (!isRequestName(name)) throw new TypeError('There is no such request.');
    const { lab, files } = await ready;
    return answer(answersOf(lab, files), name, parameters);
  });

  ipcMain.on(CHANNEL.views, (event) => {
    check(event);
    const port = event.ports[0];
    if (!port) return;
    void ready.then(({ lab }) => {
      const views = new Subscriptions(lab, (changes) => port.postMessage(changes));
      port.on('message', (message) => views.take(parseViewRequest(message.data)));
      port.on('close', () => views.close());
      port.start();
    });
  });

  ipcMain.on(CHANNEL.terminal, (event, size: unknown) => {
    check(event);
    const port = event.ports[0];
    if (port) void ready.then(({ lab }) => serveTerminal(lab, size, port));
  });

  ipcMain.on(CHANNEL.copy, (event, text: unknown) => {
    check(event);
    clipboard.writeText(clipboardText.parse(text));
  });
}
