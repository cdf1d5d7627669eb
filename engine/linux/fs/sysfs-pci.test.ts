/** Every recorded machine, booted: the entries and texts of each function's sysfs directory equal the recorded ones. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSnapshot } from '../../lab/import/snapshot';
import { bootKernel } from '../kernel';

const GOLDEN = new URL('../../../../shared/oracle/golden/', import.meta.url);
const machines = existsSync(GOLDEN) ? readdirSync(GOLDEN).filter((name) => name.endsWith('.machine.json')) : [];

interface RecordedFunction {
  address: string;
  sysfs: string[];
  resources: [string, string, string][];
  [field: string]: unknown;
}

/** Snapshot field → attribute file. */
const FILES: readonly (readonly [string, string])[] = [
  ['modalias', 'modalias'],
  ['class', 'class'],
  ['revision', 'revision'],
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

if (machines.length === 0) {
  describe('sysfs of recorded machines', () => {
    it.skip('skipped: ../shared/oracle/golden is not present', () => undefined);
  });
}

describe.each(machines)('sysfs of %s', (name) => {
  const json = readFileSync(new URL(name, GOLDEN), 'utf8');
  const recorded = JSON.parse(json) as { functions: RecordedFunction[] };
  const kernel = bootKernel(readSnapshot(json));
  const root = kernel.processes.init;
  const read = (path: string): string | null => {
    const fd = kernel.syscalls.open(root, path, 0);
    if (typeof fd !== 'number' || fd < 0) return null;
    const into = new Uint8Array(65536);
    const count = kernel.syscalls.read(root, fd, into) as number;
    kernel.syscalls.close(root, fd);
    return count < 0 ? null : new TextDecoder().decode(into.subarray(0, count));
  };

  it('shows the recorded entries', () => {
    const differences = recorded.functions.flatMap((fn) => {
      const names = new Set(kernel.syscalls.readdir(root, `/sys/bus/pci/devices/${fn.address}`) as string[]);
      const missing = fn.sysfs.filter((entry) => !names.has(entry)).map((entry) => `${fn.address} lacks ${entry}`);
      const extra = [...names].filter((entry) => !fn.sysfs.includes(entry));
      return [...missing, ...extra.map((entry) => `${fn.address} has ${entry}`)];
    });
    expect(differences).toEqual([]);
  });

  it('shows the recorded texts', () => {
    const differences = recorded.functions.flatMap((fn) => {
      const base = `/sys/bus/pci/devices/${fn.address}`;
      const rows = fn.resources.map((row) => `${row.join(' ')}\n`).join('');
      const wrong = read(`${base}/resource`) === rows ? [] : [`${fn.address} resource`];
      for (const [field, file] of FILES) {
        const want = fn[field];
        if (want === undefined) continue;
        const text = read(`${base}/${file}`)?.replace(/\n$/, '') ?? null;
        if (text !== (want === null ? null : String(want))) wrong.push(`${fn.address} ${file}: ${text}, not ${want}`);
      }
      return wrong;
    });
    expect(differences).toEqual([]);
  });
});
