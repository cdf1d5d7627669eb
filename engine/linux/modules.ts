/** Loaded kernel modules and their parameters: /proc/modules, /sys/module, and what modprobe and rmmod do. */
import { ERRNO } from './errno';
import type { PendingCall } from './process/files';

/** A parameter as /sys/module/<module>/parameters shows it. */
export interface ModuleParameter {
  readonly name: string;
  readonly mode: number;
  show(): string;
  /** 0 or a negative errno; missing where the file is read-only. */
  store?(text: string): number;
}

export interface Module {
  /** With underscores, as /proc/modules spells it. */
  readonly name: string;
  readonly size: number;
  /** Modules it uses. */
  readonly uses: readonly string[];
  readonly parameters: readonly ModuleParameter[];
  readonly builtin: boolean;
  /** Opens and other references beside those of dependent modules. */
  references(): number;
  /** Bus directories of drivers: `pci:vfio-pci`. */
  readonly drivers: readonly string[];
}

/** What loading a module starts; given by the kernel for the modules it knows. */
export interface ModuleActions {
  /** Module by name with its options (`ids=1234:11e8`), or a negative errno; null: no such module. */
  load(name: string, options: string): Module | number | null;
  /** Takes back what load did. */
  unload(module: Module): number | PendingCall;
}

/** Modules and file names: `vfio-pci` and `vfio_pci` are the same. */
export const moduleName = (name: string): string => name.replaceAll('-', '_');

export class ModuleTable {
  /** In the order of loading; /proc/modules shows the newest first. */
  readonly loaded = new Map<string, Module>();
  private readonly actions: ModuleActions;

  constructor(actions: ModuleActions) {
    this.actions = actions;
  }

  /** Modules that use this one. */
  usersOf(module: Module): Module[] {
    return [...this.loaded.values()].filter((other) => other.uses.includes(module.name)).reverse();
  }

  referencesOf(module: Module): number {
    return module.references() + this.usersOf(module).length;
  }

  get(name: string): Module | null {
    return this.loaded.get(moduleName(name)) ?? null;
  }

  parameter(module: string, name: string): ModuleParameter | null {
    return this.get(module)?.parameters.find((parameter) => parameter.name === name) ?? null;
  }

  /** finit_module: 0, -EEXIST when it is loaded, -ENOENT when no such module exists. */
  load(name: string, options = ''): number {
    const key = moduleName(name);
    if (this.loaded.has(key)) return -ERRNO.EEXIST;
    const module = this.actions.load(key, options);
    if (module === null) return -ERRNO.ENOENT;
    if (typeof module === 'number') return module;
    this.loaded.set(key, module);
    return 0;
  }

  /** delete_module: -EWOULDBLOCK (EAGAIN) while it is in use, -ENOENT when it is not loaded. */
  unload(name: string): number | PendingCall {
    const module = this.get(name);
    if (module === null || module.builtin) return -ERRNO.ENOENT;
    if (this.referencesOf(module) > 0) return -ERRNO.EAGAIN;
    const result = this.actions.unload(module);
    if (typeof result === 'number' && result < 0) return result;
    this.loaded.delete(module.name);
    return result;
  }
}
