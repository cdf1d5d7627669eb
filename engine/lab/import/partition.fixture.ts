/** What the rule says of a text: which groups it predicts, and of which functions it is certain. */
import { buildMachine } from '../../hardware/build';
import type { MachineDescription } from '../../hardware/description';
import { predictByRule } from '../../linux/iommu/compare';
import { IommuCore } from '../../linux/iommu/core';
import { platformGroups } from '../../linux/iommu/platform';
import { LINUX_6_12 } from '../../linux/iommu/policy';
import type { Prediction } from '../../linux/iommu/predict';
import { KernelLog } from '../../linux/log';
import { pciDevicesOf } from '../../linux/pci/enumerate';
import { WhyLog } from '../../linux/why';

const namesIn = ({ groups }: Prediction): string[][] =>
  [...groups.values()].map((members) => members.map((device) => device.name).sort());

/** Members sorted, groups in the machine's order. */
export const partitionOf = (machine: MachineDescription): string[][] =>
  Object.values(machine.recordedGroups ?? {}).map((group) => [...group.devices].sort());

export function judge(machine: MachineDescription) {
  const devices = pciDevicesOf(buildMachine(machine), machine);
  const core = new IommuCore({ description: machine, log: new KernelLog(() => 0n), why: new WhyLog() });
  core.boot(devices);
  const { finest, coarsest } = predictByRule(core, LINUX_6_12);
  return { core, platform: platformGroups(devices), finest: namesIn(finest), coarsest: namesIn(coarsest) };
}

/** As `judge`, as if no group had been recorded. */
export function predicted(machine: MachineDescription) {
  const { core, finest, coarsest } = judge({ ...machine, recordedGroups: null });
  const undecided = new Set([...core.undecided].map((device) => device.name));
  const groupOf = new Map(finest.flatMap((group) => group.map((member) => [member, group] as const)));
  return { known: core.known, finest, coarsest, undecided, groupOf };
}
