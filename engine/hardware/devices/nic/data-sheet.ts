/**
 * The lab's network controller, as its data sheet (docs/devices/nic.md) has it: the tables there are made from these.
 *
 * BAR 0 (64 KiB) holds the registers, BAR 2 the MSI-X table and pending bits. Registers are 32 bits wide; reads of one
 * or two bytes bring their part, writes of less than four bytes are ignored.
 */
import type { DeviceField, DeviceRegister } from '../data-sheet';
import { register } from '../data-sheet';

export const IDENTITY = 0x1ab00001;
export const REVISION = 1;
/** Pairs of rings of a controller, and of one of its virtual functions. */
export const PAIRS = 4;
export const VIRTUAL_PAIRS = 1;

export const REG = {
  ID: 0x000,
  FEATURES: 0x004,
  CONTROL: 0x008,
  STATUS: 0x00c,
  CAUSE: 0x010,
  CAUSE_SET: 0x014,
  MASK_SET: 0x018,
  MASK_CLEAR: 0x01c,
  MAC_LOW: 0x020,
  MAC_HIGH: 0x024,
  ERROR: 0x028,
  ERROR_PLACE: 0x02c,
  SCRATCH: 0x030,
  ROUTE: 0x040,
  COUNTERS: 0x060,
  MODERATION: 0x100,
  QUEUES: 0x1000,
} as const;

export const CONTROL = { ENABLE: 0x1, LOOPBACK: 0x2, RESET: 0x8000_0000 } as const;
export const STATUS = { LINK: 0x1, RUNNING: 0x2, ERROR: 0x4, VIRTUAL: 0x8 } as const;
/** Bits of CAUSE and of the mask; the queues' own from 0 (receive) and 8 (transmit) on. */
export const CAUSE = { RECEIVE: 0, TRANSMIT: 8, LINK: 0x1_0000, ERROR: 0x2_0000, SOFT: 0x4_0000 } as const;
export const ERROR = {
  READ: 0x1,
  WRITE: 0x2,
  RING: 0x4,
  LENGTH: 0x8,
  TAIL: 0x10,
  NESTED: 0x20,
  OVERRUN: 0x40,
} as const;
export const ROUTE_VALID = 0x80;

/** Registers of one ring, from its start; a pair has its receive ring at 0 and its transmit ring at `TRANSMIT`. */
export const RING = {
  BASE_LOW: 0x00,
  BASE_HIGH: 0x04,
  SIZE: 0x08,
  CONTROL: 0x0c,
  HEAD: 0x10,
  TAIL: 0x14,
  STATUS: 0x18,
} as const;
export const PAIR_STRIDE = 0x100;
export const TRANSMIT = 0x80;
export const RING_ENABLE = 0x1;
export const RING_STATUS = { ACTIVE: 0x1, STOPPED: 0x2 } as const;

/** Descriptors of a ring: a power of two. */
export const RING_LIMITS = { smallest: 2, largest: 4096, order: 12 } as const;

/** A descriptor: where the buffer is, its length, flags, and what the controller writes back. */
export const DESCRIPTOR = { SIZE: 16, ADDRESS: 0, LENGTH: 8, FLAGS: 10, RESULT: 12 } as const;
export const FLAG = { INTERRUPT: 0x1, END: 0x2, INDIRECT: 0x4 } as const;
export const RESULT = { DONE: 0x1, ERROR: 0x2, END: 0x4, TRUNCATED: 0x8, LENGTH: 16 } as const;
/** Longest list that an indirect descriptor names, and longest packet. */
export const LONGEST_LIST = 16;
export const LONGEST_PACKET = 9216;

const field = (name: string, msb: number, lsb: number, about: string): DeviceField => ({ name, msb, lsb, about });
const bit = (name: string, at: number, about: string): DeviceField => field(name, at, at, about);

const word = (
  name: string,
  offset: number,
  access: DeviceRegister['access'],
  about: string,
  more: Partial<DeviceRegister> = {},
): DeviceRegister => register(name, offset, 4, access, about, more);

const CAUSES: readonly DeviceField[] = [
  field('RX', 7, 0, 'Bit n: a packet was put into receive ring n.'),
  field('TX', 15, 8, 'Bit 8 + n: transmit ring n finished a descriptor that asked for an interrupt.'),
  bit('LINK', 16, 'The link went up or down.'),
  bit('ERROR', 17, 'A bit of ERROR was set.'),
  bit('SOFT', 18, 'Only CAUSE_SET sets it.'),
];

const ringRegisters = (prefix: string, start: number, pairs: number): DeviceRegister[] => {
  const at = (name: string, offset: number, access: DeviceRegister['access'], about: string, more = {}) =>
    word(`${prefix}_${name}`, REG.QUEUES + start + offset, access, about, {
      repeat: { count: pairs, stride: PAIR_STRIDE },
      ...more,
    });
  const what = prefix === 'RX' ? 'receive' : 'transmit';
  return [
    at('BASE_LOW', RING.BASE_LOW, 'rw', `Bus address of the ${what} ring, a multiple of 16. Kept while the ring runs.`),
    at('BASE_HIGH', RING.BASE_HIGH, 'rw', 'Upper half of the address.'),
    at('SIZE', RING.SIZE, 'rw', 'Descriptors in the ring: 2, 4, 8, … 4096.'),
    at('CONTROL', RING.CONTROL, 'rw', 'Turns the ring on and off.', {
      fields: [bit('ENABLE', 0, 'Turning it on sets HEAD and TAIL to 0. Reads 0 after an error has stopped the ring.')],
    }),
    at('HEAD', RING.HEAD, 'ro', 'Descriptor that the controller takes next.'),
    at('TAIL', RING.TAIL, 'rw', 'Doorbell: the first descriptor that the controller may not take.'),
    at('STATUS', RING.STATUS, 'ro', 'What became of the ring.', {
      fields: [bit('ACTIVE', 0, 'It runs.'), bit('STOPPED', 1, 'An error stopped it; ERROR and ERROR_PLACE tell.')],
    }),
  ];
};

export interface Shape {
  readonly pairs: number;
  readonly vectors: number;
}

/** Receive rings 0–7, transmit rings 8–15, other. */
export const SOURCES = 17;
export const OTHER = 16;

/** Routes after a reset: ring by ring its own vector, receive before transmit; the rest shares vector 0. */
export function resetRoutes({ pairs, vectors }: Shape): Uint8Array {
  const routes = new Uint8Array(SOURCES);
  for (let pair = 0; pair < pairs; pair++) {
    routes[pair] = ROUTE_VALID | ((2 * pair) % vectors);
    routes[8 + pair] = ROUTE_VALID | ((2 * pair + 1) % vectors);
  }
  routes[OTHER] = ROUTE_VALID;
  return routes;
}

/** Four routes as the register at `from` shows them. */
export function routeWord(routes: Uint8Array, from: number): number {
  let word = 0;
  for (let i = 0; i < 4; i++) word |= (routes[from + i] ?? 0) << (8 * i);
  return word >>> 0;
}

const routeRegister = (name: string, from: number, about: string): DeviceRegister =>
  word(name, REG.ROUTE + from, 'rw', about);

/** All registers of a controller with so many pairs and vectors. */
export const nicRegisters = (shape: Shape): DeviceRegister[] => [
  word('ID', REG.ID, 'ro', 'Tells that this is the controller.'),
  word('FEATURES', REG.FEATURES, 'ro', 'What it has.', {
    fields: [
      field('REVISION', 7, 0, 'Of this register map.'),
      field('PAIRS', 15, 8, 'Pairs of a receive and a transmit ring.'),
      field('VECTORS', 23, 16, 'Entries of the MSI-X table.'),
      field('ORDER', 27, 24, 'Logarithm of the largest ring.'),
    ],
  }),
  word('CONTROL', REG.CONTROL, 'rw', 'The whole controller.', {
    fields: [
      bit('ENABLE', 0, 'Rings are worked on.'),
      bit('LOOPBACK', 1, 'What is sent comes back into the receive ring of the same pair; nothing leaves.'),
      bit('RESET', 31, 'Writing 1 sets every register to its reset value; reads 0.'),
    ],
  }),
  word('STATUS', REG.STATUS, 'ro', 'State.', {
    fields: [
      bit('LINK', 0, 'The cable is in.'),
      bit('RUNNING', 1, 'CONTROL.ENABLE is set.'),
      bit('ERROR', 2, 'ERROR is not 0.'),
      bit('VIRTUAL', 3, 'This is a virtual function.'),
    ],
  }),
  word('CAUSE', REG.CAUSE, 'w1c', 'What has happened since it was cleared.', { fields: CAUSES }),
  word('CAUSE_SET', REG.CAUSE_SET, 'wo', 'Ones set the bits of CAUSE, as if it had happened.'),
  word('MASK_SET', REG.MASK_SET, 'rw', 'Ones let the cause of the same bit interrupt. Reads the whole mask.'),
  word('MASK_CLEAR', REG.MASK_CLEAR, 'wo', 'Ones keep the cause of the same bit from interrupting.'),
  word('MAC_LOW', REG.MAC_LOW, 'ro', 'First four bytes of the station address, the first in bits 7:0.'),
  word('MAC_HIGH', REG.MAC_HIGH, 'ro', 'Last two bytes.'),
  word('ERROR', REG.ERROR, 'w1c', 'What went wrong.', {
    fields: [
      bit('READ', 0, 'A descriptor or a buffer could not be read: no mapping, no bus mastering, no memory.'),
      bit('WRITE', 1, 'A buffer or a result could not be written.'),
      bit('RING', 2, 'A ring was turned on with a BASE or SIZE that cannot be.'),
      bit('LENGTH', 3, 'A descriptor of length 0, or a packet longer than 9216 bytes.'),
      bit('TAIL', 4, 'A TAIL that is not below SIZE.'),
      bit('NESTED', 5, 'An indirect descriptor in an indirect list, or a list of no or more than 16 descriptors.'),
      bit('OVERRUN', 6, 'Register writes came in faster than the controller works, and some were lost.'),
    ],
  }),
  word('ERROR_PLACE', REG.ERROR_PLACE, 'ro', 'Where the first of these errors was; kept until ERROR is 0.', {
    fields: [
      field('QUEUE', 7, 0, 'Number of the pair.'),
      bit('TRANSMIT', 8, 'Its transmit ring; 0: its receive ring.'),
      field('DESCRIPTOR', 31, 16, 'Number of the descriptor.'),
    ],
  }),
  word('SCRATCH', REG.SCRATCH, 'rw', 'Keeps what is written.'),
  routeRegister('ROUTE_RX_LOW', 0, 'Vectors of receive rings 0–3, one a byte: bit 7 valid, 6:0 vector.'),
  routeRegister('ROUTE_RX_HIGH', 4, 'Vectors of receive rings 4–7.'),
  routeRegister('ROUTE_TX_LOW', 8, 'Vectors of transmit rings 0–3.'),
  routeRegister('ROUTE_TX_HIGH', 12, 'Vectors of transmit rings 4–7.'),
  routeRegister('ROUTE_OTHER', 16, 'Vector of LINK, ERROR and SOFT, in byte 0.'),
  word('RX_PACKETS', REG.COUNTERS, 'ro', 'Packets put into receive rings.'),
  word('RX_BYTES', REG.COUNTERS + 4, 'ro', 'Their bytes.'),
  word('TX_PACKETS', REG.COUNTERS + 8, 'ro', 'Packets sent.'),
  word('TX_BYTES', REG.COUNTERS + 12, 'ro', 'Their bytes.'),
  word('RX_DROPPED', REG.COUNTERS + 16, 'ro', 'Packets for which no receive descriptor was free.'),
  word('MESSAGES', REG.COUNTERS + 20, 'ro', 'MSI and MSI-X messages raised.'),
  word('MODERATION', REG.MODERATION, 'rw', 'How often the vector may interrupt; 0: for each event.', {
    repeat: { count: shape.vectors, stride: 4 },
    fields: [
      field('USECS', 15, 0, 'Interrupt so many microseconds after the first event; 0: time does not count.'),
      field('EVENTS', 31, 16, 'Interrupt when so many events have come; 0: their number does not count.'),
    ],
  }),
  ...ringRegisters('RX', 0, shape.pairs),
  ...ringRegisters('TX', TRANSMIT, shape.pairs),
];
