/** /sys/bus/pci and /sys/bus/pci_express: devices, drivers, slots and the files of the bus (pci-linux.md 7.3). */
import { ERRNO } from '../errno';
import type { PciDevice, PciDriver } from '../pci/device';
import { attribute, directory, link, listing, once, writeOnly } from './attribute';
import type { FsContext } from './context';
import type { DirectoryNode, FileNode } from './node';
import { parseUnsigned } from './numbers';
import { slotsDirectory } from './slots';
import { devicePath, relativeLink } from './sysfs-paths';
import { serviceNames } from './sysfs-pci';
import { storeUevent } from './uevent';

/** A name written to bind, unbind or drivers_probe: one trailing newline is taken. */
const nameIn = (text: string): string => text.replace(/\n$/, '');

export function pciBusDirectory(context: FsContext): DirectoryNode {
  const { pci } = context;
  const slots = slotsDirectory(context);
  return directory({
    devices: once(() =>
      listing(
        () => pci.devices.keys(),
        (name) => {
          const device = pci.devices.get(name);
          return device === undefined ? null : link(relativeLink('bus/pci/devices', devicePath(device)));
        },
      ),
    ),
    drivers: once(() =>
      listing(
        () => pci.drivers.keys(),
        (name) => {
          const driver = pci.drivers.get(name);
          return driver === undefined ? null : driverDirectory(context, driver);
        },
      ),
    ),
    slots: () => slots,
    drivers_autoprobe: () =>
      attribute({
        mode: 0o644,
        show: () => (pci.autoprobe ? '1\n' : '0\n'),
        store: (text) => {
          pci.autoprobe = text[0] !== '0';
          return 0;
        },
      }),
    drivers_probe: () => writeOnly((text) => pci.driversProbe(nameIn(text))),
    rescan: () =>
      writeOnly((text) => {
        const number = parseUnsigned(text);
        if (number === null) return -ERRNO.EINVAL;
        return number === 0n ? 0 : context.actions.rescan(null);
      }),
    resource_alignment: () => alignmentFile(context),
    uevent: () => writeOnly(storeUevent),
  });
}

/** Kept as text; this kernel applies it to nothing, since every address was given out at boot. */
function alignmentFile(context: FsContext): FileNode {
  return attribute({
    mode: 0o644,
    show: () => context.pci.resourceAlignment,
    store: (text) => {
      const body = text.replace(/\n$/, '');
      context.pci.resourceAlignment = body === '' ? '' : `${body}\n`;
      return 0;
    },
  });
}

function driverDirectory(context: FsContext, driver: PciDriver): DirectoryNode {
  const { pci } = context;
  const path = `bus/pci/drivers/${driver.name}`;
  return listing(
    () => pci.boundTo(driver).map((device) => device.name),
    (name) => {
      const device = pci.devices.get(name);
      if (device === undefined || pci.boundDriver(device) !== driver) return null;
      return link(relativeLink(path, devicePath(device)));
    },
    {
      bind: () => writeOnly((text) => pci.bind(driver, nameIn(text))),
      unbind: () => writeOnly((text) => pci.unbind(driver, nameIn(text))),
      new_id: () => writeOnly((text) => pci.newId(driver, text)),
      remove_id: () => writeOnly((text) => pci.removeId(driver, text)),
      uevent: () => writeOnly(storeUevent),
      module: () => (driver.module === null ? null : link(relativeLink(path, `module/${driver.module}`))),
    },
  );
}

export function pciExpressBusDirectory(context: FsContext): DirectoryNode {
  const services = (): Map<string, PciDevice> => {
    const all = new Map<string, PciDevice>();
    for (const port of context.pci.devices.values()) {
      for (const name of serviceNames(context, port)) all.set(name, port);
    }
    return all;
  };
  return directory({
    devices: () =>
      listing(
        () => services().keys(),
        (name) => {
          const port = services().get(name);
          return port === undefined
            ? null
            : link(relativeLink('bus/pci_express/devices', `${devicePath(port)}/${name}`));
        },
      ),
    drivers: () =>
      directory(
        Object.fromEntries(
          ['aer', 'dpc', 'pcie_pme', 'pciehp'].map((name) => [
            name,
            () =>
              directory({
                bind: () => writeOnly(() => -ERRNO.ENODEV),
                unbind: () => writeOnly(() => -ERRNO.ENODEV),
                uevent: () => writeOnly(storeUevent),
              }),
          ]),
        ),
      ),
    drivers_autoprobe: () => attribute({ mode: 0o644, show: () => '1\n', store: () => 0 }),
    drivers_probe: () => writeOnly(() => -ERRNO.ENODEV),
    uevent: () => writeOnly(storeUevent),
  });
}
