/** The field's commands on every machine that a real kernel was recorded on, held to what was recorded. */
import { basename, dirname, join, listFiles, readText } from '../../host/files';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readMachine } from '../../host/machines';
import { doorTo, rootShell } from '../../host/shell';
import { runScript } from '../session';
import { BytesWriter } from '../streams';

interface Recorded {
  kernel: string;
  cmdline: string;
  functions: {
    address: string;
    class: string;
    revision: string;
    modalias: string;
    irq: string;
    config: string;
    resources: [string, string, string][];
    group: number | null;
    driver: string | null;
  }[];
  groups: Record<string, { devices: string[]; type: string; reserved: [string, string, string][] }>;
  lspci: Record<string, string>;
}

const here = dirname(fileURLToPath(import.meta.url));
const FOLDERS = ['recordings', 'own-recordings'].map((name) => join(here, '../../conformance', name));
const MACHINES = listFiles(FOLDERS).filter((file) => file.includes('.machine.json'));

const lines = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('');
const by =
  <T>(key: (item: T) => string) =>
  (a: T, b: T): number =>
    key(a) < key(b) ? -1 : 1;

/** A command, and what the recorded machine says it prints. */
const TRANSCRIPTS: readonly (readonly [command: string, expected: (machine: Recorded) => string])[] = [
  ['uname -r; cat /proc/cmdline', ({ kernel, cmdline }) => lines([kernel, cmdline])],
  [
    'cd /sys/bus/pci/devices; for d in *; do echo "$d $(<$d/class) $(cat $d/revision) $(head -1 $d/modalias) $(tail -n1 $d/irq)"; done',
    ({ functions }) =>
      lines(
        [...functions]
          .sort(by((fn) => fn.address))
          .map((fn) => `${fn.address} ${fn.class} ${fn.revision} ${fn.modalias} ${fn.irq}`),
      ),
  ],
  [
    `find /sys/bus/pci/devices/ -mindepth 1 -maxdepth 1 | sort | while read -r d; do l=$(readlink "$d/driver"); printf '%s %s\\n' "\${d##*/}" "\${l##*/}"; done | awk '{ print $1, ($2 == "" ? "none" : $2) }'`,
    ({ functions }) =>
      lines([...functions].sort(by((fn) => fn.address)).map((fn) => `${fn.address} ${fn.driver ?? 'none'}`)),
  ],
  [
    `shopt -s nullglob; for d in /sys/kernel/iommu_groups/*/devices/*; do g=\${d#*/iommu_groups/}; echo "\${g%%/*} \${d##*/}"; done | sort -k1,1n -k2`,
    ({ groups }) =>
      lines(
        Object.entries(groups).flatMap(([id, { devices }]) => [...devices].sort().map((device) => `${id} ${device}`)),
      ),
  ],
  [
    `cd /sys/kernel/iommu_groups && ls | sort -n | xargs -I{} sh -c 'echo {}: $(cat {}/type); sed "s/^/  /" {}/reserved_regions'`,
    ({ groups }) =>
      lines(
        Object.entries(groups).flatMap(([id, { type, reserved }]) => [
          `${id}: ${type}`,
          ...reserved.map((row) => `  ${row.join(' ')}`),
        ]),
      ),
  ],
  [
    `cd /sys/bus/pci/devices; for d in *; do head -n 6 $d/resource | grep -vn '^0x0* 0x0* 0x0*$' | sed "s/^/$d:/"; done | tr : ' ' | cut -d' ' -f1- | sed 's/ /:/;s/ /:/'`,
    ({ functions }) =>
      lines(
        [...functions].sort(by((fn) => fn.address)).flatMap((fn) =>
          fn.resources
            .slice(0, 6)
            .map((row, at) => ({ row, at }))
            .filter(({ row }) => row.some((word) => BigInt(word) !== 0n))
            .map(({ row, at }) => `${fn.address} ${at + 1} ${row.join(' ')}`),
        ),
      ),
  ],
  [
    `cd /sys/bus/pci/devices; for d in *; do echo "$d $(od -An -v -tx1 $d/config | tr -d ' \\n')"; done`,
    ({ functions }) => lines([...functions].sort(by((fn) => fn.address)).map((fn) => `${fn.address} ${fn.config}`)),
  ],
  [
    `ls -l /sys/bus/pci/devices/*/iommu_group 2>/dev/null | awk '{ n = split($NF, p, "/"); split($(NF-2), q, "/"); print q[6], p[n] }'`,
    ({ functions }) =>
      lines(
        [...functions]
          .sort(by((fn) => fn.address))
          .filter((fn) => fn.group !== null)
          .map((fn) => `${fn.address} ${fn.group}`),
      ),
  ],
];

describe.each(MACHINES.map((file) => [basename(file).replace('.machine.json.gz', ''), file]))('%s', (_, file) => {
  const recorded = JSON.parse(readText(file)) as Recorded;
  const door = doorTo(readMachine(file));
  const transcript = async (source: string): Promise<string> => {
    const out = new BytesWriter();
    await runScript(rootShell(door, source), source, { stdout: out, stderr: out });
    return out.text;
  };

  it('prints what the real machine did', async () => {
    for (const [command, expected] of TRANSCRIPTS) {
      expect(await transcript(command), command).toBe(expected(recorded));
    }
    // The conformance check compares what lspci prints with its other options.
    for (const options of ['-nn', '-nnk']) {
      expect(await transcript(`lspci ${options} | cat`), `lspci ${options}`).toBe(recorded.lspci[options]);
    }
  });
});
