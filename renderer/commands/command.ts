/** A command of the window: the same for the palette, the keys, the menus and the sheet of keys. */

export interface Command {
  id: string;
  title: string;
  /** What it is found under. */
  group: string;
  icon: string;
  keys: string;
  /** Why it cannot be run now. */
  off: string | null;
  /** A setting that is on or off; left out: it is none. */
  checked?: boolean;
  run: () => void;
}

type Rest = Partial<Pick<Command, 'icon' | 'keys' | 'off' | 'checked'>>;

/** Commands of one group; `icon` is for those that have none of their own. */
export function commandsOf(group: string, icon = 'chev-r') {
  const list: Command[] = [];
  const add = (id: string, title: string, run: () => void, rest: Rest = {}): void => {
    list.push({ icon, keys: '', off: null, ...rest, id, title, group, run });
  };
  return { list, add };
}
