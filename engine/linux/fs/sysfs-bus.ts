/** /sys/bus/pci and /sys/bus/pci_express: devices, drivers, slots and the files of the bus (pci-linux.md 7.3). */
import { ERRNO } from '../errno';
import type { PciDevice, PciDriver } from '../pci/device';
import { attribute, directory, link, listing, once, readOnly, writeOnly } from './attribute';
import type { FsContext } from './context';
import type { DirectoryNode, FileNode, Node } from './node';
import { parseUnsigned } from './numbers';
import { devicePath, relativeLink } from './sysfs-paths';
import { serviceNames } from './sysfs-pci';
import { storeUevent } from './uevent';

/** A name written to bind, unbind or drivers_probe: one trailing newline is taken. */
const nameIn = (text: string): string => text.replace(/\n$/, '');

export function pciBusDirectory(context: FsContext): DirectoryNode {
  const { pci } = context;
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
    slots: () => slotsDirectory(context),
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

/** A slot of a hot-plug port: the physical slot number names it. */
interface Slot {
  readonly name: string;
  readonly port: PciDevice;
}

function slotsOf(context: FsContext): Slot[] {
  const slots: Slot[] = [];
  const used = new Set<string>();
  for (const port of context.pci.devices.values()) {
    if (context.pci.boundDriver(port)?.name !== 'pcieport') continue;
    const at = port.config.findCapability(0x10);
    const hotPlug = port.config.read(at + 2, 2) & 0x100 && port.config.read(at + 0x14, 4) & 0x40;
    if (!hotPlug) continue;
    const number = String(port.config.read(at + 0x14, 4) >>> 19);
    let name = number;
    for (let n = 1; used.has(name); n++) name = `${number}-${n}`;
    used.add(name);
    slots.push({ name, port });
  }
  return slots;
}

function slotsDirectory(context: FsContext): DirectoryNode {
  return listing(
    () => slotsOf(context).map((slot) => slot.name),
    (name) => {
      const slot = slotsOf(context).find((s) => s.name === name);
      return slot === undefined ? null : slotDirectory(context, slot);
    },
  );
}

function slotDirectory(context: FsContext, { port }: Slot): DirectoryNode {
  const segment = port.name.slice(0, port.name.indexOf(':'));
  const occupied = (): boolean => context.pci.childrenOf(port).length > 0;
  const capabilities = port.config.read(port.config.findCapability(0x10) + 0x14, 4);
  const entries: Record<string, () => Node> = {
    address: () => readOnly(() => `${segment}:${port.config.read(0x19, 1).toString(16).padStart(2, '0')}:00\n`),
    adapter: () => readOnly(() => (occupied() ? '1\n' : '0\n')),
    power: () => readOnly(() => (occupied() ? '1\n' : '0\n')),
    uevent: () => attribute({ mode: 0o644, show: () => '', store: storeUevent }),
  };
  if (capabilities & 0x04) entries['latch'] = () => readOnly(() => '0\n');
  if (capabilities & 0x08) entries['attention'] = () => readOnly(() => '0\n');
  return directory(entries);
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
