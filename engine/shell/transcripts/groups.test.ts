/** The well-known ways to list IOMMU groups, held to what the machine's own recording says. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../../hardware/description';
import { readMachine } from '../../host/machines';
import { sampleMachine } from '../../host/samples';
import { doorTo, rootShell } from '../../host/shell';
import { bootKernel } from '../../linux/kernel';
import { runScript } from '../session';
import { BytesWriter } from '../streams';

interface Expected {
  description: MachineDescription;
  /** Group number and members, both in ascending order. */
  groups: [string, string[]][];
  /** Line of `lspci -nn` by full address. */
  line: Map<string, string>;
  resettable: Set<string>;
}

async function transcript(description: MachineDescription, source: string): Promise<string> {
  const out = new BytesWriter();
  await runScript(rootShell(doorTo(description), source), source, { stdout: out, stderr: out });
  return out.text;
}

const linesOf = (text: string): Map<string, string> =>
  new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => [
        /^[0-9a-f]{4,}:[0-9a-f]{2}:/.test(line) ? line.split(' ')[0]! : `0000:${line.split(' ')[0]}`,
        line,
      ]),
  );

function recorded(name: string): Expected {
  const file = `labs/machines/${name}.machine.json.gz`;
  const json = JSON.parse(gunzipSync(readFileSync(file)).toString()) as {
    groups: Record<string, { devices: string[] }>;
    functions: { address: string; sysfs: string[] }[];
    lspci: Record<string, string>;
  };
  return {
    description: readMachine(file),
    groups: Object.entries(json.groups).map(([id, { devices }]) => [id, [...devices].sort()]),
    line: linesOf(json.lspci['-nn']!),
    resettable: new Set(json.functions.filter((fn) => fn.sysfs.includes('reset')).map((fn) => fn.address)),
  };
}

async function sample(): Promise<Expected> {
  const description = sampleMachine();
  const kernel = bootKernel(description);
  return {
    description,
    groups: [...kernel.iommu.groups.values()].map((group) => [
      String(group.id),
      group.devices.map((device) => device.name).sort(),
    ]),
    line: linesOf(await transcript(description, 'lspci -nn')),
    resettable: new Set(
      [...kernel.pci.devices.values()].filter((device) => device.resetMethods.length > 0).map((device) => device.name),
    ),
  };
}

const byNumber = (groups: Expected['groups']): Expected['groups'] =>
  [...groups].sort(([a], [b]) => Number(a) - Number(b));

const byText = (groups: Expected['groups']): Expected['groups'] => [...groups].sort(([a], [b]) => (a < b ? -1 : 1));

const nested = (expected: Expected): string =>
  byNumber(expected.groups)
    .map(([id, members]) => `IOMMU Group ${id}:\n${members.map((m) => `\t${expected.line.get(m)}\n`).join('')}`)
    .join('');

const flat = (expected: Expected, groups: Expected['groups']): string =>
  groups
    .flatMap(([id, members]) => members.map((member) => `IOMMU Group ${id} ${expected.line.get(member)}\n`))
    .join('');

const PRINT = `n=\${d#*/iommu_groups/*}; n=\${n%%/*}; printf 'IOMMU Group %s ' "$n"; lspci -nns "\${d##*/}"`;

describe.each([
  ['the sample workstation', sample],
  ['q35-multifn', () => Promise.resolve(recorded('q35-multifn'))],
  ['q35-switch', () => Promise.resolve(recorded('q35-switch'))],
] as const)('group scripts on %s', (_, load) => {
  it('find, sort -V and a loop with nullglob', async () => {
    const expected = await load();
    const script = `#!/bin/bash
shopt -s nullglob
for g in $(find /sys/kernel/iommu_groups/* -maxdepth 0 -type d | sort -V); do
    echo "IOMMU Group \${g##*/}:"
    for d in $g/devices/*; do
        echo -e "\\t$(lspci -nns \${d##*/})"
    done;
done;
`;
    expect(await transcript(expected.description, script)).toBe(nested(expected));
  });

  it('one glob over all members', async () => {
    const expected = await load();
    expect(
      await transcript(expected.description, `for d in /sys/kernel/iommu_groups/*/devices/*; do ${PRINT}; done`),
    ).toBe(flat(expected, byText(expected.groups)));
  });

  it('find -type l in the order of a numeric key', async () => {
    const expected = await load();
    const script = `for d in $(find /sys/kernel/iommu_groups/ -type l | sort -n -k5 -t/); do ${PRINT}; done`;
    expect(await transcript(expected.description, script)).toBe(flat(expected, byNumber(expected.groups)));
  });

  it('find -type l, sorted by version', async () => {
    const expected = await load();
    const paths = byNumber(expected.groups).flatMap(([id, members]) =>
      members.map((member) => `/sys/kernel/iommu_groups/${id}/devices/${member}\n`),
    );
    expect(await transcript(expected.description, 'find /sys/kernel/iommu_groups/ -type l | sort -V')).toBe(
      paths.join(''),
    );
  });

  it('with a mark for functions that can be reset', async () => {
    const expected = await load();
    const script = `for g in $(find /sys/kernel/iommu_groups/ -maxdepth 1 -mindepth 1 -type d | sort -V); do
  echo "IOMMU group $(basename "$g")"
  for device in $(\\ls -1 "$g"/devices/); do
    if [[ -e "$g"/devices/"$device"/reset ]]; then echo -n "[RESET]"; fi
    echo -n $'\\t'; lspci -nns "$device"
  done
done`;
    const text = byNumber(expected.groups)
      .map(([id, members]) => {
        const rows = members.map((m) => `${expected.resettable.has(m) ? '[RESET]' : ''}\t${expected.line.get(m)}\n`);
        return `IOMMU group ${id}\n${rows.join('')}`;
      })
      .join('');
    expect(await transcript(expected.description, script)).toBe(text);
  });
});
