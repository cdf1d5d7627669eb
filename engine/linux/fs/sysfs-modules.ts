/** /sys/module (pci-linux.md 9.3). */
import type { Module } from '../modules';
import { attribute, directory, link, listing, readOnly, writeOnly } from './attribute';
import type { FsContext } from './context';
import type { DirectoryNode } from './node';
import { relativeLink } from './sysfs-paths';
import { storeUevent } from './uevent';

export function modulesDirectory(context: FsContext): DirectoryNode {
  const { modules } = context;
  return listing(
    () => modules.loaded.keys(),
    (name) => {
      const module = modules.loaded.get(name);
      return module === undefined ? null : moduleDirectory(context, module);
    },
  );
}

function moduleDirectory(context: FsContext, module: Module): DirectoryNode {
  const { modules } = context;
  const parameters = () => (module.parameters.length === 0 ? null : parametersDirectory(module));
  if (module.builtin) return directory({ parameters, uevent: () => writeOnly(storeUevent) }, { owner: module });
  return directory(
    {
      coresize: () => readOnly(() => `${module.size}\n`),
      drivers: () => (module.drivers.length === 0 ? null : driversDirectory(module)),
      holders: () =>
        listing(
          () => modules.usersOf(module).map((user) => user.name),
          (name) =>
            modules.usersOf(module).some((user) => user.name === name)
              ? link(relativeLink(`module/${module.name}/holders`, `module/${name}`))
              : null,
        ),
      initsize: () => readOnly(() => '0\n'),
      initstate: () => readOnly(() => 'live\n'),
      notes: () => directory({}),
      parameters,
      refcnt: () => readOnly(() => `${modules.referencesOf(module)}\n`),
      sections: () => directory({}),
      taint: () => readOnly(() => '\n'),
      uevent: () => writeOnly(storeUevent),
    },
    { owner: module },
  );
}

function parametersDirectory(module: Module): DirectoryNode {
  return directory(
    Object.fromEntries(
      module.parameters.map((parameter) => [
        parameter.name,
        () =>
          attribute({
            mode: parameter.mode,
            owner: module,
            show: () => `${parameter.show()}\n`,
            ...(parameter.store && { store: (text: string) => parameter.store!(text) }),
          }),
      ]),
    ),
  );
}

const driversDirectory = (module: Module): DirectoryNode =>
  directory(
    Object.fromEntries(
      module.drivers.map((name) => [
        name,
        () => link(relativeLink(`module/${module.name}/drivers`, `bus/pci/drivers/${name.replace(/^pci:/, '')}`)),
      ]),
    ),
  );
