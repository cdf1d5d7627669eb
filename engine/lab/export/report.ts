/** What the lab says of a machine, to be read by people: its groups and why they are so, who holds what, what was done. */
import type { ViewName, Views } from '../views/types';
import type { Block } from './report-blocks';

/** Answers any view. */
export type Ask = <V extends ViewName>(view: V, parameters: Views[V]['parameters']) => Views[V]['value'];

const short = (address: string): string => address.replace(/^0000:/, '');
const many = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

const HISTORY = 500;
/** More pairs that reach each other are counted, not listed. */
const PAIRS = 200;

export function report(ask: Ask): Block[] {
  const machine = ask('machine', null);
  const topology = ask('topology', null);
  const functions = new Map(topology.functions.map((fn) => [fn.address, fn]));
  const lent = topology.groups.filter((group) => group.hasEndpoint);
  return [
    { kind: 'heading', level: 1, text: machine.document.title },
    ...(machine.about === '' ? [] : [{ kind: 'text' as const, text: machine.about }]),
    {
      kind: 'table',
      head: ['', 'This machine'],
      rows: [
        ['Kernel', `Linux ${machine.release}`],
        ['Command line', machine.cmdline],
        ['IOMMU', machine.iommu],
        ['Functions', String(machine.functions)],
        ['Groups', `${machine.groups}, of which ${lent.length} can be given to a process`],
      ],
    },
    ...known(machine),
    { kind: 'heading', level: 2, text: 'IOMMU groups' },
    ...topology.groups.flatMap((group) => groupBlocks(ask, group, functions)),
    ...reachBlocks(ask),
    ...holders(ask),
    ...steps(ask),
    {
      kind: 'text',
      text: 'Made by VFIO Lab. The groups follow the rule of the kernel named above, applied to the registers of this machine.',
    },
  ];
}

function known(machine: Views['machine']['value']): Block[] {
  const items: string[] = [];
  if (machine.recorded) {
    items.push(
      machine.recorded.equal
        ? 'The groups are those that the dump itself recorded.'
        : `These functions stand in other groups than the dump recorded: ${machine.recorded.differing.map(short).join(', ')}.`,
    );
  }
  if (machine.undecided)
    items.push(`The dump hides what decides for ${many(machine.undecided.functions, 'function')}.`);
  for (const { function: address, what, why } of machine.unknown.slice(0, 50))
    items.push(`Unknown: ${what} of ${address === null ? 'the machine' : short(address)} (${why}).`);
  return items.length === 0
    ? []
    : [
        { kind: 'heading', level: 2, text: 'How far this is known' },
        { kind: 'list', items },
      ];
}

function groupBlocks(
  ask: Ask,
  group: Views['topology']['value']['groups'][number],
  functions: ReadonlyMap<string, Views['topology']['value']['functions'][number]>,
): Block[] {
  const state = group.owned
    ? 'held by a process'
    : !group.hasEndpoint
      ? 'ports only'
      : group.viable
        ? 'viable'
        : `not viable: ${group.culprit ? `${short(group.culprit.address)} belongs to ${group.culprit.driver}` : 'in use'}`;
  const rows = group.members.map((address) => {
    const fn = functions.get(address);
    return [short(address), fn?.name ?? '', fn?.id ?? '', fn?.driver ?? 'no driver'];
  });
  const why = group.members.flatMap((address) => {
    const steps = ask('function', { address })?.overview.why ?? [];
    return steps.map(({ text, decided }) => `${short(address)}: ${text}${decided ? ' (this decides)' : ''}`);
  });
  return [
    { kind: 'heading', level: 3, text: `Group ${group.id}: ${state}` },
    { kind: 'table', head: ['Function', 'Name', 'ID', 'Driver'], rows },
    ...(why.length === 0 ? [] : [{ kind: 'list' as const, items: why }]),
  ];
}

function reachBlocks(ask: Ask): Block[] {
  const { pairs, complete } = ask('reach', null);
  const across = pairs.filter((pair) => pair.across);
  const heading: Block = { kind: 'heading', level: 2, text: 'Who reaches whom past the IOMMU' };
  if (across.length === 0) {
    return [
      heading,
      { kind: 'text', text: 'No function of one group reaches a function of another one without the IOMMU seeing it.' },
    ];
  }
  const rows = across
    .slice(0, PAIRS)
    .map(({ from, to, path }) => [short(from), short(to), path.map(short).join(' → ')]);
  return [
    heading,
    {
      kind: 'text',
      text: `${many(across.length, 'pair')} of functions in different groups ${across.length === 1 ? 'reaches' : 'reach'} each other directly${complete ? '' : ' (and more that are not listed)'}.`,
    },
    { kind: 'table', head: ['From', 'To', 'Way'], rows },
  ];
}

function holders(ask: Ask): Block[] {
  const { processes } = ask('containers', null);
  if (processes.length === 0) return [];
  const items = processes.flatMap((process) =>
    process.containers.map(
      (container) =>
        `${process.name} (${process.pid}): container fd ${container.fd}, ${container.backend ?? 'no IOMMU set'}, ` +
        `${container.groups.map((group) => `group ${group.id}`).join(', ') || 'no group'}, ${many(container.mappings, 'mapping')}`,
    ),
  );
  return [
    { kind: 'heading', level: 2, text: 'Who holds what' },
    { kind: 'list', items },
  ];
}

function steps(ask: Ask): Block[] {
  const { steps: all, done, total } = ask('history', { from: 0, count: HISTORY });
  const made = all.slice(0, done);
  if (made.length === 0) return [];
  return [
    { kind: 'heading', level: 2, text: 'What was done' },
    { kind: 'list', ordered: true, items: made.map(({ label, refused }) => (refused ? `${label} (refused)` : label)) },
    ...(done > made.length
      ? [{ kind: 'text' as const, text: `… and ${many(total - made.length, 'step')} more.` }]
      : []),
  ];
}
