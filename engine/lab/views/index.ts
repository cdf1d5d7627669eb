/** Views by name. */
import { stimuliOf } from '../../hardware/devices/common-stimuli';
import { formatLog } from '../dmesg';
import { holdingsOf } from '../holdings';
import { accessesView } from './accesses';
import { callsView } from './calls';
import { configView } from './config';
import { containersView } from './containers';
import type { ViewContext } from './context';
import { functionView } from './function';
import { lessonView, lessonsView } from './lesson';
import { historyView } from './history';
import { machineView } from './machine';
import { pairView } from './pair';
import { reachView } from './reach';
import { timelineView } from './timeline';
import { topologyView } from './topology';
import type { ViewName, Views } from './types';

export type { ViewContext } from './context';

type Maker<V extends ViewName> = (context: ViewContext, parameters: Views[V]['parameters']) => Views[V]['value'];

const MAKERS: { readonly [V in ViewName]: Maker<V> } = {
  machine: (context) => machineView(context),
  topology: ({ machine, names, places }) => topologyView(machine.kernel, holdingsOf(machine.kernel), names, places),
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
  dmesg: ({ machine }) => ({ lines: formatLog(machine.kernel.log.records) }),
  reach: ({ machine }) => reachView(machine.kernel),
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
