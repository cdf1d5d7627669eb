/** One terminal on a port: keys in, text out in frames. */
import type { MessagePortMain } from 'electron';
import type { Lab } from '../../engine/lab/lab';
import type { TerminalOutput } from './channels';
import { terminalInput, terminalSize } from './schemas';

const FRAME_MS = 8;

export function serveTerminal(lab: Lab, size: unknown, port: MessagePortMain): void {
  const { columns, rows } = terminalSize.parse(size);
  let waiting = '';
  let timer: ReturnType<typeof setTimeout> | null = null;
  const post = (message: TerminalOutput): void => port.postMessage(message);
  const flush = (): void => {
    timer = null;
    if (waiting === '') return;
    post({ kind: 'data', data: waiting });
    waiting = '';
  };
  const handle = lab.openTerminal({
    columns,
    rows,
    onData: (data) => {
      waiting += data;
      timer ??= setTimeout(flush, FRAME_MS);
    },
    onExit: () => {
      flush();
      post({ kind: 'exit' });
    },
  });
  port.on('message', (event) => {
    const input = terminalInput.parse(event.data);
    // The terminal belongs to the present.
    if (input.kind === 'data') {
      if (!lab.looking) handle.write(input.data);
    } else if (input.kind === 'resize') handle.resize(input.columns, input.rows);
    else port.close();
  });
  port.on('close', () => {
    if (timer !== null) clearTimeout(timer);
    handle.close();
  });
  port.start();
}
