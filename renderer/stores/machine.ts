/** What the engine says about the machine now; nothing here is the renderer's own. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import type { TopologyFunction, TopologyGroup } from '../bridge';
import { ringed } from '../ui/palette';
import { live } from './live';

export const useMachine = defineStore('machine', () => {
  const machine = live('machine', () => null);
  const topology = live('topology', () => null);
  const containers = live('containers', () => null);
  const calls = live('calls', () => null);
  const kernelLog = live('dmesg', () => null);

  const functions = computed<ReadonlyMap<string, TopologyFunction>>(
    () => new Map(topology.value?.functions.map((f) => [f.address, f])),
  );
  const groups = computed<ReadonlyMap<number, TopologyGroup>>(
    () => new Map(topology.value?.groups.map((g) => [g.id, g])),
  );
  const rings = computed(() => ringed(topology.value?.groups ?? []));

  const groupOf = (address: string): TopologyGroup | null => {
    const id = functions.value.get(address)?.group;
    return id === null || id === undefined ? null : (groups.value.get(id) ?? null);
  };

  /** On its way to a process, but held up by a member that still has a host driver. */
  const stuck = (group: TopologyGroup): boolean =>
    group.culprit !== null &&
    group.members.some((m) => {
      const owner = functions.value.get(m)?.ownership;
      return owner === 'vfio' || owner === 'blocked' || owner === 'process';
    });
  const stuckGroups = computed(() => (topology.value?.groups ?? []).filter(stuck));

  /** Who holds a group: the process and its container descriptor. */
  const holder = (group: number): { pid: number; name: string; fd: number } | null => {
    for (const process of containers.value?.processes ?? [])
      for (const container of process.containers)
        if (container.groups.some((g) => g.id === group))
          return { pid: process.pid, name: process.name, fd: container.fd };
    return null;
  };
  const containerCount = computed(() =>
    (containers.value?.processes ?? []).reduce((sum, p) => sum + p.containers.length, 0),
  );

  return {
    machine,
    topology,
    containers,
    calls,
    kernelLog,
    functions,
    groups,
    rings,
    groupOf,
    stuck,
    stuckGroups,
    holder,
    containerCount,
  };
});
