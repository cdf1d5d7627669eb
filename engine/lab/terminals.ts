/** The document's terminals: each a shell in a process of its own, and the lines that were typed in them. */
import type { LabHost, TerminalHandle, TerminalOptions } from './host';
import { recentlyTyped } from './document/format';
import type { CommandLine, MachineDoor } from './user-space';
import { LabUserSpace } from './user-space';

/** Why a terminal has no shell any more: it ended, its machine booted, or another document was opened. */
export type TerminalEnd = 'exit' | 'reboot' | 'opened';

export type NewTerminal = Omit<TerminalOptions, 'onCommand' | 'history' | 'onExit'> & {
  onExit(end: TerminalEnd): void;
};

const LONGEST_LABEL = 60;

export class Terminals {
  /** Oldest first. */
  typed: string[] = [];
  private readonly handles = new Map<TerminalHandle, (end: TerminalEnd) => void>();
  private readonly host: LabHost;
  private readonly door: MachineDoor;
  private readonly onTyped: (line: string) => void;

  /** `onTyped`: a line was entered that was not the last one already. */
  constructor(host: LabHost, door: MachineDoor, onTyped: (line: string) => void) {
    this.host = host;
    this.door = door;
    this.onTyped = onTyped;
  }

  open(options: NewTerminal): TerminalHandle {
    const command: { current: CommandLine } = { current: { label: 'bash' } };
    const shell = { pid: this.door.newPid(), parent: null, name: 'bash', uid: 0, command };
    const handle = this.host.openTerminal(new LabUserSpace(this.door, shell), {
      ...options,
      history: this.typed,
      onExit: () => {
        this.handles.delete(handle);
        options.onExit('exit');
      },
      onCommand: (line) => {
        const label = line.length > LONGEST_LABEL ? `${line.slice(0, LONGEST_LABEL - 1)}…` : line;
        command.current = { label };
        this.note(line);
      },
    });
    this.handles.set(handle, options.onExit);
    return {
      write: (data) => handle.write(data),
      resize: (columns, rows) => handle.resize(columns, rows),
      close: (hangUp) => {
        this.handles.delete(handle);
        handle.close(hangUp);
      },
    };
  }

  private note(line: string): void {
    if (this.typed.at(-1) === line) return;
    this.typed = recentlyTyped([...this.typed, line]);
    this.onTyped(line);
  }

  /** The machine that the shells ran on is gone. */
  end(end: TerminalEnd): void {
    const open = [...this.handles];
    this.handles.clear();
    for (const [handle, told] of open) {
      handle.close();
      told(end);
    }
  }
}
