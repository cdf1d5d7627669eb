/** How well-known scripts and programs list IOMMU groups. */

export interface ListedFunction {
  /** `0000:01:00.0` */
  readonly address: string;
  readonly group: string;
  /** What `lspci -nns` prints after the address. */
  readonly name: string;
  /** Bridges above, root first. */
  readonly above: readonly string[];
  readonly rootBus: string;
}

const short = (address: string): string => address.replace(/^0000:/, '');
const idsOf = (name: string): [string, string] => {
  const match = /\[([0-9a-f]{4}):([0-9a-f]{4})\]/.exec(name)!;
  return [match[1]!, match[2]!];
};
const classOf = (name: string): string => /\[([0-9a-f]{4})\]:/.exec(name)![1]!;
const classNameOf = (name: string): string => name.slice(0, name.indexOf(' ['));
const deviceNameOf = (name: string): string => name.slice(name.indexOf(']: ') + 3).replace(/ \[[0-9a-f]{4}:.*/, '');
const byGroup = (all: readonly ListedFunction[]): [string, ListedFunction[]][] => {
  const groups = new Map<string, ListedFunction[]>();
  for (const one of all) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  return [...groups];
};
const sysfs = (one: ListedFunction): string =>
  `../../../../devices/${one.rootBus}/${[...one.above, one.address].join('/')}`;

export const GROUP_LISTINGS: Readonly<Record<string, (all: readonly ListedFunction[]) => string>> = {
  'headings and indented functions': (all) =>
    byGroup(all)
      .map(
        ([id, members]) =>
          `IOMMU Group ${id}:\n${members.map((one) => `\t${short(one.address)} ${one.name}\n`).join('')}`,
      )
      .join(''),
  'headings and functions without indentation': (all) =>
    byGroup(all)
      .map(
        ([id, members]) =>
          `IOMMU Group ${id}:\n${members.map((one) => `${short(one.address)} ${one.name}\n`).join('')}`,
      )
      .join('\n'),
  'a line a function': (all) =>
    all.map((one) => `IOMMU Group ${one.group} ${short(one.address)} ${one.name}\n`).join(''),
  'a line a function, with a colon': (all) =>
    all.map((one) => `IOMMU Group ${one.group}: ${short(one.address)} ${one.name}\n`).join(''),
  'a line a function, sorted as text': (all) =>
    all
      .map((one) => `IOMMU group ${one.group} ${short(one.address)} ${one.name}\n`)
      .sort()
      .join(''),
  'group and driver': (all) =>
    all.map((one) => `Group:  ${one.group.padEnd(3)} ${one.address} ${one.name}   Driver: pcieport\n`).join(''),
  'ids first, after the heading': (all) =>
    byGroup(all)
      .map(
        ([id, members]) =>
          `IOMMU group ${id}:\t${members.map((one) => `[${idsOf(one.name).join(':')}] ${short(one.address)} ${classNameOf(one.name)}: ${deviceNameOf(one.name)}\n`).join('\t\t\t')}`,
      )
      .join(''),
  'ids, reset mark, columns': (all) =>
    byGroup(all)
      .map(
        ([id, members]) =>
          `Group ${id}:\t${members.map((one, index) => `[${idsOf(one.name).join(':')}] ${index % 2 ? '[R] ' : '    '}${short(one.address)}  ${classNameOf(one.name).padEnd(40)} ${deviceNameOf(one.name)}\n`).join('\t\t')}`,
      )
      .join('') + 'USB:\t[1d6b:0002] Bus 001 Device 001: ID 1d6b:0002 Linux Foundation 2.0 root hub\n',
  find: (all) => all.map((one) => `/sys/kernel/iommu_groups/${one.group}/devices/${one.address}\n`).join(''),
  'ls -l': (all) =>
    byGroup(all)
      .map(
        ([id, members]) =>
          `/sys/kernel/iommu_groups/${id}/devices:\ntotal 0\n${members.map((one) => `lrwxrwxrwx 1 root root 0 Nov 29 09:50 ${one.address} -> ${sysfs(one)}\n`).join('')}`,
      )
      .join('\n'),
  'ls -d': (all) =>
    all
      .map(
        (one) =>
          `lrwxrwxrwx 1 root root 0 Nov 29 09:50 /sys/kernel/iommu_groups/${one.group}/devices/${one.address} -> ${sysfs(one)}\n`,
      )
      .join(''),
  'ls -R': (all) =>
    byGroup(all)
      .map(
        ([id, members]) =>
          `/sys/kernel/iommu_groups/${id}:\ndevices\nreserved_regions\ntype\n\n/sys/kernel/iommu_groups/${id}/devices:\n${members.map((one) => one.address).join('  ')}\n`,
      )
      .join('\n'),
  tree: (all) =>
    `/sys/kernel/iommu_groups\n${byGroup(all)
      .map(
        ([id, members]) =>
          `├── ${id}\n│   ├── devices\n${members.map((one) => `│   │   ├── ${one.address} -> ${sysfs(one)}\n`).join('')}│   ├── reserved_regions\n│   └── type\n`,
      )
      .join('')}`,
  'the links of the functions': (all) =>
    all
      .map((one) => `/sys/bus/pci/devices/${one.address}/iommu_group -> ../../../kernel/iommu_groups/${one.group}\n`)
      .join(''),
  'a kernel log': (all) =>
    all
      .map(
        (one, index) =>
          `[    0.${String(400000 + index * 7)}] pci ${one.address}: Adding to iommu group ${one.group}\n`,
      )
      .join(''),
  'an older kernel log': (all) =>
    all
      .map(
        (one, index) =>
          `[    0.${String(400000 + index * 7)}] iommu: Adding device ${one.address} to group ${one.group}\n`,
      )
      .join(''),
  'the journal': (all) =>
    all.map((one) => `Nov 29 09:50:00 box kernel: pci ${one.address}: Adding to iommu group ${one.group}\n`).join(''),
  'a log that removes and adds again': (all) =>
    all
      .map((one) => `[    0.400000] pci ${one.address}: Adding to iommu group ${one.group === '0' ? '1' : '0'}\n`)
      .join('') +
    all
      .map((one) => `[   10.400000] pci ${one.address}: Removing from iommu group ${one.group === '0' ? '1' : '0'}\n`)
      .join('') +
    all.map((one) => `[   11.400000] pci ${one.address}: Adding to iommu group ${one.group}\n`).join(''),
  'a table of Proxmox': (all) => {
    const rows = all.map((one) => [
      `0x${classOf(one.name)}00`,
      `0x${idsOf(one.name)[1]}`,
      one.address,
      one.group,
      `0x${idsOf(one.name)[0]}`,
      deviceNameOf(one.name),
    ]);
    const head = ['class', 'device', 'id', 'iommugroup', 'vendor', 'device_name'];
    const width = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]!.length)));
    const line = (cells: readonly string[]): string =>
      `│ ${cells.map((cell, column) => (column === 3 ? cell.padStart(width[column]!) : cell.padEnd(width[column]!))).join(' │ ')} │\n`;
    const rule = (left: string, fill: string, middle: string, right: string): string =>
      `${left}${width.map((one) => fill.repeat(one + 2)).join(middle)}${right}\n`;
    return (
      rule('┌', '─', '┬', '┐') +
      line(head) +
      rule('╞', '═', '╪', '╡') +
      rows.map(line).join(rule('├', '─', '┼', '┤')) +
      rule('└', '─', '┴', '┘')
    );
  },
  'JSON of Proxmox': (all) =>
    JSON.stringify(
      all.map((one) => ({
        class: `0x${classOf(one.name)}00`,
        device: `0x${idsOf(one.name)[1]}`,
        device_name: deviceNameOf(one.name),
        id: one.address,
        iommugroup: Number(one.group),
        vendor: `0x${idsOf(one.name)[0]}`,
      })),
    ),
  'machine-readable lines': (all) =>
    all
      .map(
        (one) =>
          `IOMMU Group ${one.group} ${short(one.address)} "${classNameOf(one.name)} [${classOf(one.name)}]" "Vendor [${idsOf(one.name)[0]}]" "${deviceNameOf(one.name)} [${idsOf(one.name)[1]}]" -r01 "" ""\n`,
      )
      .join(''),
  'with marks of a list': (all) =>
    byGroup(all)
      .map(
        ([id, members]) =>
          `* IOMMU Group ${id}\n${members.map((one) => `  - ${short(one.address)} ${one.name}\n`).join('')}`,
      )
      .join(''),
  'in bold Markdown': (all) =>
    byGroup(all)
      .map(
        ([id, members]) =>
          `**IOMMU Group ${id}**\n\n${members.map((one) => `- ${short(one.address)} ${one.name}\n`).join('')}\n`,
      )
      .join(''),
  'as libvirt writes XML': (all) =>
    all
      .map((one) => {
        const [segment, bus, slot] = one.address.split(':');
        const [device, fn] = slot!.split('.');
        const where = (a: string): string => {
          const [s, b, d] = a.split(':');
          return `<address domain='0x${s}' bus='0x${b}' slot='0x${d!.slice(0, 2)}' function='0x${d!.slice(3)}'/>`;
        };
        return `<device>\n  <name>pci_${segment}_${bus}_${device}_${fn}</name>\n  <path>/sys/devices/${one.rootBus}/${[...one.above, one.address].join('/')}</path>\n  <parent>computer</parent>\n  <capability type='pci'>\n    <class>0x${classOf(one.name)}00</class>\n    <domain>${parseInt(segment!, 16)}</domain>\n    <bus>${parseInt(bus!, 16)}</bus>\n    <slot>${parseInt(device!, 16)}</slot>\n    <function>${fn}</function>\n    <product id='0x${idsOf(one.name)[1]}'>x</product>\n    <vendor id='0x${idsOf(one.name)[0]}'>y</vendor>\n    <iommuGroup number='${one.group}'>\n${all
          .filter((other) => other.group === one.group)
          .map((other) => `      ${where(other.address)}\n`)
          .join('')}    </iommuGroup>\n  </capability>\n</device>\n`;
      })
      .join('\n'),
};
