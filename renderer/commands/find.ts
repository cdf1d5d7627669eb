/** What the palette finds: functions, groups and commands that contain every word of the query. */
import type { TopologyView } from '../bridge';
import { T } from '../texts';
import { short } from '../ui/address';
import type { Command } from './command';

export interface Found {
  kind: 'function' | 'group' | 'command';
  /** Full address, group number or command id. */
  key: string;
  title: string;
  detail: string;
  icon: string;
  keys: string;
  place: number;
  off: string | null;
  run?: () => void;
  score: number;
}

const LIMITS = { function: 12, group: 6, command: 14 } as const;

export function find(query: string, view: TopologyView | null, commands: readonly Command[]): Found[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const all = [...functions(view), ...groups(view), ...commands.map(commandEntry)];
  const hits = all.flatMap((entry) => {
    const score = rate(entry, words);
    return score > 0 ? [{ ...entry, score }] : [];
  });
  hits.sort((a, b) => b.score - a.score);
  return (['function', 'group', 'command'] as const).flatMap((kind) =>
    hits.filter((h) => h.kind === kind).slice(0, LIMITS[kind]),
  );
}

/** 0 when a word is missing; a word at the start of the title counts most. */
function rate(entry: Found, words: readonly string[]): number {
  const title = entry.title.toLowerCase();
  const text = `${title} ${entry.detail.toLowerCase()} ${entry.key.toLowerCase()}`;
  let score = 1;
  for (const word of words) {
    if (!text.includes(word)) return 0;
    score += title.startsWith(word) ? 4 : title.includes(word) ? 2 : 1;
  }
  return score;
}

function functions(view: TopologyView | null): Found[] {
  return (view?.functions ?? []).map((fn) => ({
    kind: 'function',
    key: fn.address,
    title: short(fn.address),
    detail: [fn.name, fn.id, fn.group === null ? '' : T.node.group(fn.group), fn.driver ?? '']
      .filter(Boolean)
      .join(' · '),
    icon: fn.kind,
    keys: '',
    place: 0,
    off: null,
    score: 0,
  }));
}

function groups(view: TopologyView | null): Found[] {
  return (view?.groups ?? []).map((group) => ({
    kind: 'group',
    key: String(group.id),
    title: T.group.name(group.id),
    detail: group.members.map(short).join(', '),
    icon: 'group',
    keys: '',
    place: group.place,
    off: null,
    score: 0,
  }));
}

function commandEntry(command: Command): Found {
  return {
    kind: 'command',
    key: command.id,
    title: command.title,
    detail: command.group,
    icon: command.icon,
    keys: command.keys,
    place: 0,
    off: command.off,
    run: command.run,
    score: 0,
  };
}
