/** Views by name. */
import { stimuliOf } from '../../hardware/devices/common-stimuli';
import { formatLog } from '../dmesg';
import { holdingsOf } from '../holdings';
import { accessesView } from './accesses';
import { callsView } from './calls';
import { configView } from './config';
import { clipView, editingView, partsView, placesView } from './building';
import { containersView } from './containers';
import type { ViewContext } from './context';
import { configWayView, messageView, transactionWayView, transactionsView, walkView } from './follow';
import { editPreview } from './edit-preview';
import { editableFiles, fileView } from './editor';
import { functionView } from './function';
import { lessonView, lessonsView } from './lesson';
import { historyView } from './history';
import { iommuView } from './iommu';
import { machineView } from './machine';
import { pairView } from './pair';
import { reachView } from './reach';
import { rulesView } from './rules';
import { timelineView } from './timeline';
import { topologyView } from './topology';
import type { ViewName, Views } from './types';
import { whatIfView } from './what-if';

export type { ViewContext } from './context';

type Maker<V extends ViewName> = (context: ViewContext, parameters: Views[V]['parameters']) => Views[V]['value'];

const MAKERS: { readonly [V in ViewName]: Maker<V> } = {
  machine: (context) => machineView(context),
  topology: ({ machine, names, groups }) => topologyView(machine, holdingsOf(machine.kernel), names, groups),
  function: ({ machine, names }, { address }) => {
    const device = machine.kernel.pci.devices.get(address);
    return device ? functionView(machine.kernel, device, holdingsOf(machine.kernel), names) : null;
  },
  config: ({ machine }, { address }) => {
    const device = machine.kernel.pci.devices.get(address);
    return device ? configView(machine.kernel, device) : null;
  },
  pair: ({ machine }, { a, b }) => pairView(machine.kernel, a, b),
  containers: ({ machine }) => containersView(machine.kernel, holdingsOf(machine.kernel)),
  calls: ({ machine }) => callsView(machine),
  timeline: (context, parameters) => timelineView(context, parameters),
  history: (context, parameters) => historyView(context, parameters),
  accesses: (context, parameters) => accessesView(context, parameters),
  editor: ({ editor }) => editor,
  editable: ({ observe }) => ({ files: editableFiles(observe) }),
  file: ({ observe }, { path }) => fileView(observe, path),
  dmesg: ({ machine }) => ({ lines: formatLog(machine.kernel.log.records) }),
  reach: ({ machine }) => reachView(machine.kernel),
  walk: ({ machine: { kernel } }, { address, iova, write }) => {
    const device = kernel.pci.devices.get(address);
    return device ? walkView(kernel, device, BigInt(iova), write) : null;
  },
  message: ({ machine: { kernel } }, { address, to, data }) => {
    const device = kernel.pci.devices.get(address);
    return device ? messageView(kernel, device, BigInt(to), data) : null;
  },
  'config-way': ({ machine: { kernel } }, { address, register }) => {
    const device = kernel.pci.devices.get(address);
    return device ? configWayView(kernel, device, register) : null;
  },
  transactions: ({ machine }, { address, limit }) => transactionsView(machine.kernel, address, limit),
  transaction: ({ machine }, { sequence }) => transactionWayView(machine.kernel, sequence),
  iommu: ({ machine: { kernel } }, { address }) => {
    const device = kernel.pci.devices.get(address);
    return device ? iommuView(kernel, device) : null;
  },
  parts: () => partsView(),
  places: ({ machine }, carried) => placesView(machine, carried),
  editing: ({ machine, names }, { address }) => editingView(machine, names, address),
  clip: ({ machine }, { addresses }) => clipView(machine, addresses),
  'what-if': ({ machine, names, groups }, { changes }) => whatIfView(machine, names, groups, changes),
  'what-if-edit': ({ machine, names, groups }, { edit }) => editPreview(machine, names, groups, edit),
  rules: ({ machine, groups }, { own, other }) => rulesView(machine, groups, other, own),
  lesson: (context) => lessonView(context),
  lessons: (context) => lessonsView(context),
  stimuli: ({ machine }, { address }) => {
    const device = machine.kernel.pci.devices.get(address);
    return device ? stimuliOf(device.function) : null;
  },
};

export function viewOf<V extends ViewName>(
  context: ViewContext,
  name: V,
  parameters: Views[V]['parameters'],
): Views[V]['value'] {
  return MAKERS[name](context, parameters);
}
