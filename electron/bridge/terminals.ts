/** One terminal on a port: keys in, text out in frames, no faster than the screen shows it. */
import type { MessagePortMain } from 'electron';
import type { Lab } from '../../engine/lab/lab';
import type { Recovery } from '../recovery';
import type { TerminalOutput } from './channels';
import { terminalInput, terminalSize } from './schemas';

const FRAME_MS = 8;
/** Programs wait while the screen is behind by more characters than this. */
const AHEAD = 256 * 1024;

export function serveTerminal(lab: Lab, recovery: Recovery, size: unknown, port: MessagePortMain): void {
  const { columns, rows } = terminalSize.parse(size);
  let waiting = '';
  let timer: ReturnType<typeof setTimeout> | null = null;
  /** Characters that the screen has not shown yet. */
  let behind = 0;
  const writers: (() => void)[] = [];
  const post = (message: TerminalOutput): void => port.postMessage(message);
  const flush = (): void => {
    if (waiting === '') return;
    post({ kind: 'data', data: waiting });
    waiting = '';
  };
  /** What a command prints tells that it was done: it is shown once that would outlast a loss of power. */
  const frame = async (): Promise<void> => {
    await recovery.settled();
    timer = null;
    flush();
  };
  const letOn = (): void => {
    for (const go of writers.splice(0)) go();
  };
  const handle = lab.openTerminal({
    columns,
    rows,
    onData: (data) => {
      waiting += data;
      behind += data.length;
      timer ??= setTimeout(() => void frame(), FRAME_MS);
      if (behind > AHEAD) return new Promise((resolve) => writers.push(resolve));
    },
    onExit: (end) => {
      flush();
      letOn();
      post({ kind: 'exit', end });
    },
  });
  port.on('message', (event) => {
    const input = terminalInput.parse(event.data);
    if (input.kind === 'resize') handle.resize(input.columns, input.rows);
    else if (input.kind === 'close') handle.close(true);
    else if (input.kind === 'taken') {
      behind = Math.max(0, behind - input.count);
      if (behind <= AHEAD / 2) letOn();
    }
    // The terminal belongs to the present.
    else if (!lab.looking) handle.write(input.data);
  });
  port.on('close', () => {
    if (timer !== null) clearTimeout(timer);
    letOn();
    handle.close();
  });
  port.start();
}
