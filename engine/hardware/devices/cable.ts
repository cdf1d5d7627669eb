/** What the world does to any network controller: packets come in over its cable, and the cable is pulled. */
import { flag, number } from '../parts/common-straps';
import type { StimulusAction, StimulusKind } from './stimulus';
import { bytesOf } from './stimulus';

/** An Ethernet frame for anybody, of the type kept for experiments (IEEE 802, 88B5), that says hello. */
const HELLO = `ffffffffffff${'021ab0000099'}88b5${'68656c6c6f'.padEnd(92, '0')}`;

/** The stimuli of a controller with so many receive queues, for packets of up to `longest` bytes. */
export const cableStimuli = (queues: number, longest: number): readonly StimulusKind[] => [
  {
    kind: 'packet',
    title: 'Packet arrives',
    about: 'A packet comes in over the wire and goes where the controller puts what it receives.',
    parameters: [
      {
        kind: 'text',
        key: 'hex',
        label: 'Bytes',
        help: 'From the destination address on.',
        format: 'bytes',
        longest,
        default: HELLO,
      },
      number('queue', 'Queue', 'Receive queue it is for.', { min: 0, max: queues - 1, default: 0 }),
    ],
  },
  {
    kind: 'link',
    title: 'Cable out, cable in',
    about: 'The network cable is pulled, or put in again.',
    parameters: [flag('up', 'In', 'The cable is in; off: it is out.', false)],
  },
];

interface Connected {
  readonly arrive: (packet: Uint8Array, queue: number) => void;
  readonly linkChanged: () => void;
}

/** The cable of one controller. It is no register, and stays through resets. */
export class Cable {
  private readonly controller: Connected;
  private connected = true;

  constructor(controller: Connected) {
    this.controller = controller;
  }

  get linked(): boolean {
    return this.connected;
  }

  /** Null when it happened, else why it could not. */
  stimulate(action: StimulusAction): string | null {
    if (action.kind === 'packet') {
      if (!this.connected) return 'The link is down: nothing comes in.';
      if (action.hex.length === 0) return 'A packet has at least one byte.';
      this.controller.arrive(bytesOf(action.hex), action.queue);
      return null;
    }
    if (action.kind !== 'link') return `A network controller has no stimulus ${action.kind}.`;
    if (this.connected !== action.up) {
      this.connected = action.up;
      this.controller.linkChanged();
    }
    return null;
  }
}
