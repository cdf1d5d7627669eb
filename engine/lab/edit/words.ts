/** Edits in words: names for undo, and sentences that say what came of them. */
import { partById } from '../../hardware/parts';
import type { EditPlace, TopologyEdit } from '../input';
import type { EditReport } from './report';

const short = (address: string): string => address.replace(/^0000:/, '');
const partTitle = (id: string): string => partById(id)?.title ?? id;
const busOf = (rootBus: string): string => rootBus.replace(/^pci(0000:)?/, '');

function whereText(place: EditPlace): string {
  if (place.parent !== null) return `below ${short(place.parent)}`;
  return place.rootBus === undefined ? 'on the root bus' : `on root bus ${busOf(place.rootBus)}`;
}

/** `a`, `a and b`, `a, b and 3 more` */
export function listed(items: readonly string[], most = 3): string {
  const shown = items.length > most ? items.slice(0, most - 1) : items;
  const rest = items.length - shown.length;
  const all = rest > 0 ? [...shown, `${rest} more`] : shown;
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}

const IOMMU_NAMES: Readonly<Record<string, string>> = {
  'intel-vtd': 'VT-d',
  'amd-vi': 'AMD-Vi',
  'virtio-iommu': 'virtio-iommu',
  smmu: 'SMMU',
  none: 'none',
};

/** What undo calls it: `Add NVMe drive below 00:01.0`. */
export function editLabel(edit: TopologyEdit): string {
  switch (edit.kind) {
    case 'replace':
      return 'Replace the machine';
    case 'add':
      return `Add ${partTitle(edit.part)}${edit.at === null || edit.at.root ? '' : ` ${whereText(edit.at)}`}`;
    case 'move':
      return `Move ${short(edit.address)} ${edit.to.parent === null ? 'to' : ''} ${whereText(edit.to).replace(/^on /, '')}`.replace(
        / +/g,
        ' ',
      );
    case 'copy':
      return `Duplicate ${listed(edit.addresses.map(short))}`;
    case 'paste':
      return `Paste ${listed(edit.clip.tops.map(short))}`;
    case 'remove':
      return `Remove ${short(edit.address)}`;
    case 'remove-root':
      return `Remove root complex ${busOf(edit.rootBus)}`;
    case 'root':
      return `Renumber root bus ${busOf(edit.rootBus)}`;
    case 'straps':
      return `Set ${listed(Object.keys(edit.straps))} of ${short(edit.address)}`;
    case 'acs':
      return `${edit.services.length > 0 ? 'Set the ACS services' : 'Take the ACS capability'} of ${short(edit.address)}`;
    case 'facing':
      return `Let ${short(edit.address)} face ${edit.external ? 'outwards' : 'inwards'}`;
    case 'label':
      return edit.label.trim() === ''
        ? `Unname ${short(edit.address)}`
        : `Name ${short(edit.address)} “${edit.label.trim()}”`;
    case 'config':
      return `Edit registers of ${short(edit.address)}`;
    case 'iommu':
      return `Change the IOMMU to ${IOMMU_NAMES[edit.iommu] ?? edit.iommu}`;
    case 'several':
      return severalLabel(edit.edits);
  }
}

function severalLabel(edits: readonly TopologyEdit[]): string {
  const [first] = edits;
  if (!first) return 'Change the machine';
  if (edits.length === 1) return editLabel(first);
  if (edits.every((edit) => edit.kind === 'remove')) {
    return `Remove ${listed(edits.map((edit) => short((edit as { address: string }).address)))}`;
  }
  if (edits.every((edit) => edit.kind === 'move')) {
    return `Move ${listed(edits.map((edit) => short((edit as { address: string }).address)))}`;
  }
  return `${editLabel(first)} and ${edits.length - 1} more`;
}

/** What came of it, in one sentence. */
export function editMessage(edit: TopologyEdit, report: EditReport | undefined): string {
  const main = report?.main == null ? null : short(report.main);
  const many = report ? report.added.length : 0;
  switch (edit.kind) {
    case 'add':
      return main === null ? `${partTitle(edit.part)} was added.` : `${partTitle(edit.part)} is ${main}.`;
    case 'move':
      return main === null ? `${short(edit.address)} was moved.` : `${short(edit.address)} is ${main} now.`;
    case 'copy':
    case 'paste':
      return many === 1 ? `The copy is ${main}.` : `${many} functions were added; the first is ${main}.`;
    case 'label':
      return edit.label.trim() === ''
        ? `${short(edit.address)} has no name of its own any more.`
        : `${short(edit.address)} is called “${edit.label.trim()}”.`;
    default:
      return `${editLabel(edit)}: done.`;
  }
}

/** What else the edit did: notes, other addresses, processes that ended. */
export function editNotes(report: EditReport): string[] {
  const notes = [...report.notes];
  const names = [...report.names].map(([from, to]) => `${short(from)} → ${short(to)}`);
  if (names.length > 0) notes.push(`Boot numbered the buses anew: ${listed(names, 4)}.`);
  if (report.ended.length > 0) {
    notes.push(`The machine was powered off for it, which ended ${listed(report.ended)}. Undo brings everything back.`);
  }
  return notes;
}
