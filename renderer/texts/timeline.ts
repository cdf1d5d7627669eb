/** Timeline. */
import { count } from '../ui/address';

export const timeline = {
  back: 'One input back',
  forward: 'One input on',
  play: 'Run from here to the present',
  stop: 'Stop',
  speed: (times: number) => `${times}×`,
  speedTip: 'Speed of the run',
  live: 'live',
  past: 'past',
  position: (input: number) => `# ${count(input)}`,
  axis: 'What the axis counts',
  axes: { time: 'time', inputs: 'inputs' },
  only: 'Only this function',
  all: 'all functions',
  lanes: { inputs: 'inputs', dma: 'DMA', faults: 'faults', merged: 'all' },
  vectors: (kind: string, first: number, last: number) =>
    kind === 'intx' ? 'INTx' : first === last ? `vec ${first}` : `vec ${first}–${last}`,
  of: (short: string, vectors: string) => `${short} ${vectors}`,
  empty: 'No input yet. Everything you do appears here and can be gone back to.',
  chart: (at: number, of: number) => `Timeline, input ${count(at)} of ${count(of)}`,
  value: (at: number, of: number, label: string | null) =>
    `input ${count(at)} of ${count(of)}${label === null ? '' : `, ${label}`}`,
  seconds: (ms: number, digits: number) => `${(ms / 1000).toFixed(digits)} s`,
  refused: 'refused',
  counts: (kind: string, n: number) => `${kind} ×${count(n)}`,
  fates: ['delivered', 'pending', 'lost'],
  transfers: ['arrived', 'to a peer', 'stopped'],
  zoomIn: 'Closer',
  zoomOut: 'All of it',
  hint: 'Drag to see a part, double click for all of it',
} as const;
