/** The real machines of the corpus: what the rule predicts for each from its text alone, against its recorded groups. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildMachine } from '../../hardware/build';
import type { MachineDescription } from '../../hardware/description';
import { comparePartitions, predictByRule } from '../../linux/iommu/compare';
import { IommuCore } from '../../linux/iommu/core';
import { LINUX_6_12 } from '../../linux/iommu/policy';
import { platformGroups } from '../../linux/iommu/platform';
import type { Prediction } from '../../linux/iommu/predict';
import { KernelLog } from '../../linux/log';
import { pciDevicesOf } from '../../linux/pci/enumerate';
import { WhyLog } from '../../linux/why';
import { importMachine } from './index';

const CORPUS = '../shared/corpus';
/** The files that show one machine, in the order in which they are put together. */
const FILES = ['lspci.txt', 'lspci-root-partial.txt', 'dmesg-pci.txt', 'groups.txt', 'facter-pci.json'];

const machines = existsSync(CORPUS)
  ? readdirSync(CORPUS).filter((name) => existsSync(`${CORPUS}/${name}/about.json`))
  : [];

const textOf = (name: string): Uint8Array =>
  new TextEncoder().encode(
    FILES.map((file) => `${CORPUS}/${name}/${file}`)
      .filter((file) => existsSync(file))
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n\n'),
  );

const namesIn = ({ groups }: Prediction): string[][] =>
  [...groups.values()].map((members) => members.map((device) => device.name).sort());

const partitionOf = (machine: MachineDescription): string[][] =>
  Object.values(machine.recordedGroups ?? {}).map((group) => [...group.devices].sort());

function judge(machine: MachineDescription) {
  const devices = pciDevicesOf(buildMachine(machine), machine);
  const core = new IommuCore({ description: machine, log: new KernelLog(() => 0n), why: new WhyLog() });
  core.boot(devices);
  const { finest, coarsest } = predictByRule(core, LINUX_6_12);
  return { core, platform: platformGroups(devices), finest: namesIn(finest), coarsest: namesIn(coarsest) };
}

describe.skipIf(machines.length === 0)('the corpus of real machines (skipped: not present)', () => {
  it.each(machines)('%s', (name) => {
    const machine = importMachine(`${name}.txt`, textOf(name));
    const recorded = partitionOf(machine);
    const { core, platform, finest, coarsest } = judge(machine);
    if (recorded.length === 0) return;
    if (core.known) {
      expect(comparePartitions(recorded, finest)).toEqual([]);
      return;
    }
    // Nothing is claimed: the recorded groups are what is shown, and their number is one that is possible.
    const shown = [...core.groups.values()].map((group) => group.devices.map((device) => device.name).sort());
    expect(comparePartitions(recorded, shown)).toEqual([]);
    if (platform) return;
    expect(recorded.length).toBeLessThanOrEqual(finest.length);
    expect(recorded.length).toBeGreaterThanOrEqual(coarsest.length);
    const undecided = new Set([...core.undecided].map((device) => device.name));
    const certain = (groups: string[][]): string[][] =>
      groups.filter((members) => members.every((member) => !undecided.has(member)));
    expect(comparePartitions(certain(recorded), certain(finest))).toEqual([]);
  });

  it('is predicted from registers alone on 17 of the 19 machines whose ACS is visible', () => {
    const seen = machines.filter((name) => {
      const about = JSON.parse(readFileSync(`${CORPUS}/${name}/about.json`, 'utf8')) as {
        acsLinesVisible: boolean;
        root: boolean | string;
        hasIommuGroupInLspci: boolean;
      };
      return about.hasIommuGroupInLspci && (about.acsLinesVisible || about.root === true);
    });
    const read = (name: string, file: string): MachineDescription =>
      importMachine(file, new Uint8Array(readFileSync(`${CORPUS}/${name}/lspci.txt`)));
    const equal = seen.filter((name) => {
      const machine = read(name, name);
      // Grouped as if nothing had been recorded; a function without a group is behind no IOMMU.
      const without = { ...machine, recordedGroups: null };
      const { core, finest } = judge(without);
      const covered = new Set(partitionOf(machine).flat());
      const shown = finest.map((group) => group.filter((member) => covered.has(member)));
      return (
        core.known &&
        comparePartitions(
          partitionOf(machine),
          shown.filter((group) => group.length > 0),
        ).length === 0
      );
    });
    const others = seen.filter((name) => !equal.includes(name));
    expect(equal.length).toBeGreaterThanOrEqual(17);
    // The lab says itself that it does not decide these: a platform that makes the groups, or a part read without root.
    for (const name of others) expect(judge(read(name, name)).core.known, name).toBe(false);
  });
});
