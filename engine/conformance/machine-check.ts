/** Compares a booted recorded machine with its snapshot: groups, sysfs, resources, and what lspci prints. */
import type { MachineDescription } from '../hardware/description';
import { bootKernel } from '../linux/kernel';
import type { Answer } from '../linux/uapi/operation';
import { Performer } from '../shell/calls/perform';
import { sameValue } from './compare';
import type { Difference } from './player';

/** The parts of a `machine/1` snapshot that are checked. */
export interface Snapshot {
  functions: SnapshotFunction[];
  groups: Record<string, { devices: string[]; type: string; reserved: [string, string, string][] }>;
  lspci: Record<string, string>;
}

interface SnapshotFunction {
  address: string;
  config: string;
  resources: [string, string, string][];
  group: number | null;
  driver: string | null;
  sysfs: string[];
  [attribute: string]: unknown;
}

/** sysfs file behind each snapshot field, and the text it has there. */
const ATTRIBUTES: readonly (readonly [field: string, file: string])[] = [
  ['modalias', 'modalias'],
  ['class', 'class'],
  ['revision', 'revision'],
  ['irq', 'irq'],
  ['resetMethod', 'reset_method'],
  ['numaNode', 'numa_node'],
  ['msiBus', 'msi_bus'],
  ['d3coldAllowed', 'd3cold_allowed'],
  ['ariEnabled', 'ari_enabled'],
  ['dmaMaskBits', 'dma_mask_bits'],
  ['consistentDmaMaskBits', 'consistent_dma_mask_bits'],
  ['enable', 'enable'],
  ['brokenParityStatus', 'broken_parity_status'],
  ['bootVga', 'boot_vga'],
  ['powerState', 'power_state'],
  ['currentLinkSpeed', 'current_link_speed'],
  ['currentLinkWidth', 'current_link_width'],
  ['maxLinkSpeed', 'max_link_speed'],
  ['maxLinkWidth', 'max_link_width'],
  ['driverOverride', 'driver_override'],
];

export interface MachineResult {
  passed: number;
  failed: number;
  differences: Difference[];
}

export type RunLspci = (performer: Performer, options: string) => Promise<string>;

export async function checkMachine(
  description: MachineDescription,
  snapshot: Snapshot,
  runLspci: RunLspci,
): Promise<MachineResult> {
  const kernel = bootKernel(description);
  const performer = new Performer(kernel, kernel.processes.spawn({ parent: 1, name: 'snapshot', uid: 0 }));
  const result: MachineResult = { passed: 0, failed: 0, differences: [] };
  const check = (what: string, want: unknown, got: unknown): void => {
    if (sameValue(want, got)) {
      result.passed++;
      return;
    }
    result.failed++;
    result.differences.push({ line: 1, operation: what, want: JSON.stringify(want), got: JSON.stringify(got) });
  };
  const text = (path: string): string | null => {
    const answer: Answer = performer.perform({ op: 'sysread', path });
    return answer.text === undefined ? null : answer.text.replace(/\n$/, '');
  };
  const linkName = (path: string): string | null =>
    performer.perform({ op: 'readlink', path }).target?.split('/').at(-1) ?? null;

  for (const fn of snapshot.functions) {
    const base = `/sys/bus/pci/devices/${fn.address}`;
    const group = linkName(`${base}/iommu_group`);
    check(`${fn.address} group`, fn.group, group === null ? null : Number(group));
    check(`${fn.address} driver`, fn.driver, linkName(`${base}/driver`));
    check(`${fn.address} entries`, fn.sysfs, performer.perform({ op: 'ls', path: base }).names);
    check(
      `${fn.address} config`,
      fn.config,
      performer.perform({ op: 'sysread', path: `${base}/config`, offset: 0, size: fn.config.length / 2 }).hex,
    );
    check(
      `${fn.address} resource`,
      fn.resources.map((row) => row.join(' ')),
      (text(`${base}/resource`) ?? '').split('\n').slice(0, fn.resources.length),
    );
    for (const [field, file] of ATTRIBUTES) {
      const want = fn[field];
      if (want === undefined) continue;
      check(`${fn.address} ${file}`, want === null ? null : String(want), text(`${base}/${file}`));
    }
  }
  for (const [id, group] of Object.entries(snapshot.groups)) {
    const base = `/sys/kernel/iommu_groups/${id}`;
    check(`group ${id} devices`, group.devices, performer.perform({ op: 'ls', path: `${base}/devices` }).names);
    check(`group ${id} type`, group.type, text(`${base}/type`));
    const reserved = group.reserved.map((row) => row.join(' ')).join('\n');
    check(`group ${id} reserved_regions`, reserved, text(`${base}/reserved_regions`));
  }
  for (const [options, want] of Object.entries(snapshot.lspci)) {
    let got: string;
    try {
      got = await runLspci(performer, options);
    } catch (error) {
      got = `exception: ${error instanceof Error ? error.message : String(error)}`;
    }
    checkLines(`lspci ${options}`, want, got, result);
  }
  return result;
}

/** One answer a text; the difference shows the first line that is not the same. */
function checkLines(what: string, want: string, got: string, result: MachineResult): void {
  if (want === got) {
    result.passed++;
    return;
  }
  const wanted = want.split('\n');
  const printed = got.split('\n');
  const at = wanted.findIndex((line, i) => line !== printed[i]);
  const line = at < 0 ? wanted.length : at;
  result.failed++;
  result.differences.push({
    line: 1,
    operation: `${what}, line ${line + 1}`,
    want: wanted[line] ?? '(end)',
    got: printed[line] ?? '(end)',
  });
}
