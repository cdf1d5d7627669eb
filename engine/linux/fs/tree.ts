/** The directory tree: one lookup for every call by path, permissions, changed modes and owners of computed nodes. */
import { ERRNO } from '../errno';
import type { Process } from '../process/process';
import type { DirectoryNode, Node, Ownership } from './node';

const MAX_LINKS = 40;
const MAX_NAME = 255;
const MAX_PATH = 4096;

export const READ = 4;
export const WRITE = 2;
export const EXECUTE = 1;

/** A node with the way that led to it: directories from the root down, and its name in the last of them. */
export interface Place {
  readonly node: Node;
  readonly directories: readonly {
    readonly name: string;
    readonly node: DirectoryNode;
  }[];
  /** '' for the root itself. */
  readonly name: string;
}

/** Where an entry would stand: its directory exists, the entry itself may not. */
export interface EntryPlace {
  readonly parent: Place & { readonly node: DirectoryNode };
  readonly name: string;
  readonly node: Node | null;
  /** The path ended in `/`, so only a directory will do. */
  readonly mustBeDirectory: boolean;
}

interface Step {
  readonly name: string;
  readonly node: DirectoryNode;
}

export class FileTree {
  readonly root: DirectoryNode;
  private readonly changed = new Map<string, { owner: object; ownership: Ownership }>();

  constructor(root: DirectoryNode) {
    this.root = root;
  }

  /** The node a path names, or a negative errno. `follow` decides about a link in last place. */
  lookup(process: Process, path: string, follow: boolean): Place | number {
    const entry = this.walk(process, path, follow, { links: 0 }, []);
    if (typeof entry === 'number') return entry;
    if (entry.node === null) return -ERRNO.ENOENT;
    if (entry.mustBeDirectory && entry.node.type !== 'dir') return -ERRNO.ENOTDIR;
    return entry.name === ''
      ? entry.parent
      : {
          node: entry.node,
          directories: [...entry.parent.directories, { name: entry.parent.name, node: entry.parent.node }],
          name: entry.name,
        };
  }

  /** The entry a path names, which need not exist yet: for calls that make or remove one. */
  entry(process: Process, path: string, follow: boolean): EntryPlace | number {
    return this.walk(process, path, follow, { links: 0 }, []);
  }

  /** Absolute path without links. */
  pathOf(place: Place): string {
    if (place.name === '') return '/';
    let text = '';
    for (const step of place.directories) if (step.name !== '') text += `/${step.name}`;
    return `${text}/${place.name}`;
  }

  ownership(place: Place): Readonly<Ownership> {
    const node = place.node;
    if (node.store) return node.store;
    if (this.changed.size > 0) {
      const path = this.pathOf(place);
      const entry = this.changed.get(path);
      if (entry) {
        if (entry.owner === (node.owner ?? this)) return entry.ownership;
        this.changed.delete(path);
      }
    }
    return { mode: node.mode, uid: node.uid ?? 0, gid: node.gid ?? 0 };
  }

  change(place: Place, change: Partial<Ownership>): void {
    const now = { ...this.ownership(place), ...change };
    if (place.node.store) Object.assign(place.node.store, now);
    else
      this.changed.set(this.pathOf(place), {
        owner: place.node.owner ?? this,
        ownership: now,
      });
  }

  /** 0 or -EACCES. `wanted`: READ | WRITE | EXECUTE. */
  permission(process: Process, place: Place, wanted: number): number {
    const { mode, uid, gid } = this.ownership(place);
    return permitted(process, mode, uid, gid, wanted, place.node.type === 'dir') ? 0 : -ERRNO.EACCES;
  }

  private walk(
    process: Process,
    path: string,
    follow: boolean,
    budget: { links: number },
    from: readonly Step[],
  ): EntryPlace | number {
    if (path === '') return -ERRNO.ENOENT;
    if (path.length >= MAX_PATH) return -ERRNO.ENAMETOOLONG;
    let steps: Step[] = path.startsWith('/') || from.length === 0 ? [{ name: '', node: this.root }] : [...from];
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    const trailing = path.endsWith('/') || path.endsWith('/.') || path === '.';
    for (let i = 0; i < parts.length; i++) {
      const name = parts[i]!;
      const here = steps[steps.length - 1]!;
      const last = i === parts.length - 1;
      const place = this.placeOf(steps);
      const denied = this.permission(process, place, EXECUTE);
      if (denied < 0) return denied;
      if (name === '..') {
        if (steps.length > 1) steps.pop();
        continue;
      }
      if (name.length > MAX_NAME) return -ERRNO.ENAMETOOLONG;
      const node = here.node.get(name);
      if (node === null) {
        return last ? { parent: place, name, node: null, mustBeDirectory: trailing } : -ERRNO.ENOENT;
      }
      if (node.type === 'link' && (!last || follow || trailing)) {
        if (++budget.links > MAX_LINKS) return -ERRNO.ELOOP;
        const found = this.walk(process, node.targetFor?.(process) ?? node.target, true, budget, steps);
        if (typeof found === 'number') return found;
        if (last) return trailing ? { ...found, mustBeDirectory: true } : found;
        if (found.node === null) return -ERRNO.ENOENT;
        if (found.node.type !== 'dir') return -ERRNO.ENOTDIR;
        steps = this.stepsOf(found);
        continue;
      }
      if (last) return { parent: place, name, node, mustBeDirectory: trailing };
      if (node.type !== 'dir') return -ERRNO.ENOTDIR;
      steps.push({ name, node });
    }
    return this.entryOf(steps);
  }

  private placeOf(steps: readonly Step[]): Place & { readonly node: DirectoryNode } {
    const here = steps[steps.length - 1]!;
    return {
      node: here.node,
      directories: steps.slice(0, -1),
      name: here.name,
    };
  }

  /** A path that ends at a directory already walked into (`/`, `..`). */
  private entryOf(steps: readonly Step[]): EntryPlace {
    const here = steps[steps.length - 1]!;
    const parent = steps.length > 1 ? this.placeOf(steps.slice(0, -1)) : this.placeOf(steps);
    return { parent, name: here.name, node: here.node, mustBeDirectory: true };
  }

  private stepsOf(entry: EntryPlace): Step[] {
    const above: Step[] = [...entry.parent.directories, { name: entry.parent.name, node: entry.parent.node }];
    if (entry.name === '') return above;
    return [...above, { name: entry.name, node: entry.node as DirectoryNode }];
  }
}

/** Owner, group, others, then what CAP_DAC_OVERRIDE allows: everything but executing a file without any x bit. */
export function permitted(
  process: Process,
  mode: number,
  uid: number,
  gid: number,
  wanted: number,
  isDirectory: boolean,
): boolean {
  const shift = process.uid === uid ? 6 : process.gid === gid ? 3 : 0;
  if (((mode >>> shift) & 7 & wanted) === wanted) return true;
  if (!process.capabilities.has('CAP_DAC_OVERRIDE')) return false;
  return isDirectory || !(wanted & EXECUTE) || (mode & 0o111) !== 0;
}
