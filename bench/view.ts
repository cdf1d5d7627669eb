/** The topology view of a machine of 10,000 functions, beside writing it down as text. */
import { holdingsOf } from '../engine/lab/holdings';
import { namesFor } from '../engine/lab/names';
import { topologyView } from '../engine/lab/views/topology';
import { GroupHistory } from '../engine/lab/views/group-history';
import { Machine } from '../engine/lab/machine';
import { median, report, timesOf } from './lib/figures';
import { largeMachine } from './lib/large-machine';

const COUNT = 10_000;
const BUDGET_MS = 100;
const ROUNDS = 9;

const description = largeMachine(COUNT);
const machine = new Machine(description);
const names = namesFor(description.functions);
const history = new GroupHistory();
const view = () => topologyView(machine, holdingsOf(machine.kernel), names, history);
const times = timesOf(ROUNDS, () => {
  if (view().functions.length !== COUNT) throw new Error('Functions are missing.');
});
const last = view();
const writing = median(timesOf(ROUNDS, () => void JSON.stringify(last)));
report([
  {
    what: 'topology view of 10,000 functions',
    value: median(times),
    unit: 'ms',
    budget: BUDGET_MS,
    baseline: { what: 'JSON.stringify of the view', value: writing },
  },
]);
