/** One terminal on a port: keys in, text out in frames. */
import type { MessagePortMain } from 'electron';
import type { Lab } from '../../engine/lab/lab';
import type { Recovery } from '../recovery';
import type { TerminalOutput } from './channels';
import { terminalInput, terminalSize } from './schemas';

const FRAME_MS = 8;

export function serveTerminal(lab: Lab, recovery: Recovery, size: unknown, port: MessagePortMain): void {
  const { columns, rows } = terminalSize.parse(size);
  let waiting = '';
  let timer: ReturnType<typeof setTimeout> | null = null;
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
  const handle = lab.openTerminal({
    columns,
    rows,
    onData: (data) => {
      waiting += data;
      timer ??= setTimeout(() => void frame(), FRAME_MS);
    },
    onExit: () => {
      flush();
      post({ kind: 'exit' });
    },
  });
  port.on('message', (event) => {
    const input = terminalInput.parse(event.data);
    if (input.kind === 'resize') handle.resize(input.columns, input.rows);
    else if (input.kind === 'close') port.close();
    // The terminal belongs to the present.
    else if (!lab.looking) handle.write(input.data);
  });
  port.on('close', () => {
    if (timer !== null) clearTimeout(timer);
    handle.close();
  });
  port.start();
}
