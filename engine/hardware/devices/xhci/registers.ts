/** eXtensible Host Controller Interface 1.1: the registers (chapter 5) and TRBs (6.4) that the model has. */
import type { DeviceRegister } from '../data-sheet';
import { register } from '../data-sheet';

export const SLOTS = 32;
export const PORTS = 4;
/** Ports 1 and 2 are USB 2, 3 and 4 are USB 3. */
export const USB2_PORTS = 2;

export const PORT_REGISTERS = 0x420;
export const PORT_STRIDE = 0x10;
export const EXTENDED = 0x500;
export const RUNTIME = 0x600;
export const INTERRUPTERS = 0x620;
export const INTERRUPTER_STRIDE = 0x20;
export const DOORBELLS = 0x800;

export const REG = {
  USBCMD: 0x20,
  USBSTS: 0x24,
  PAGESIZE: 0x28,
  DNCTRL: 0x34,
  CRCR: 0x38,
  CRCR_HIGH: 0x3c,
  DCBAAP: 0x50,
  DCBAAP_HIGH: 0x54,
  CONFIG: 0x58,
} as const;

export const CMD = { RUN: 0x1, RESET: 0x2, INTERRUPTS: 0x4, MASK: 0xf0d } as const;
export const STS = { HALTED: 0x1, HOST_ERROR: 0x4, EVENT: 0x8, PORT: 0x10, CLEARED: 0x41c } as const;
export const CRCR = { CYCLE: 0x1, STOP: 0x2, ABORT: 0x4, RUNNING: 0x8 } as const;

/** Registers of one interrupter. */
export const IR = {
  IMAN: 0x00,
  IMOD: 0x04,
  ERSTSZ: 0x08,
  ERSTBA: 0x10,
  ERSTBA_HIGH: 0x14,
  ERDP: 0x18,
  ERDP_HIGH: 0x1c,
};
export const IMAN = { PENDING: 0x1, ENABLE: 0x2 } as const;
export const HANDLER_BUSY = 0x8;

export const PORTSC = {
  CONNECTED: 0x1,
  ENABLED: 0x2,
  RESET: 0x10,
  STATE: 0x1e0,
  POWER: 0x200,
  SPEED: 0x3c00,
  CONNECT_CHANGED: 0x2_0000,
  RESET_CHANGED: 0x20_0000,
  CHANGES: 0xfe_0000,
} as const;
/** Link states in the STATE field: working, waiting for a device, found one. */
export const LINK = { U0: 0x000, RX_DETECT: 0x0a0, POLLING: 0x0e0 } as const;
export const FULL_SPEED = 0x400;

export const TRB = {
  SIZE: 16,
  CYCLE: 0x1,
  LINK: 6,
  ENABLE_SLOT: 9,
  DISABLE_SLOT: 10,
  NO_OP: 23,
  COMMAND_COMPLETION: 33,
  PORT_STATUS_CHANGE: 34,
  DEVICE_NOTIFICATION: 38,
} as const;

export const COMPLETION = { SUCCESS: 1, TRB_ERROR: 5, NO_SLOTS: 9, SLOT_NOT_ENABLED: 11, RING_STOPPED: 24 } as const;

const each = (
  name: string,
  offset: number,
  width: 4 | 8,
  access: DeviceRegister['access'],
  about: string,
  count: number,
) => register(name, INTERRUPTERS + offset, width, access, about, { repeat: { count, stride: INTERRUPTER_STRIDE } });

export const xhciRegisters = (interrupters: number): DeviceRegister[] => [
  register('CAPLENGTH', 0x00, 4, 'ro', 'Length of these registers; upper half: version.'),
  register('HCSPARAMS1', 0x04, 4, 'ro', 'Slots, interrupters, ports.'),
  register('HCCPARAMS1', 0x10, 4, 'ro', 'Capabilities; 31:16 where the extended ones are.'),
  register('DBOFF', 0x14, 4, 'ro', 'Where the doorbells are.'),
  register('RTSOFF', 0x18, 4, 'ro', 'Where the runtime registers are.'),
  register('USBCMD', REG.USBCMD, 4, 'rw', 'Bit 0 run, 1 reset, 2 interrupts.'),
  register('USBSTS', REG.USBSTS, 4, 'w1c', 'Bit 0 halted, 2 host system error, 3 event, 4 port change.'),
  register('CRCR', REG.CRCR, 8, 'rw', 'Command ring: address, cycle bit, stop, abort, running.'),
  register('DCBAAP', REG.DCBAAP, 8, 'rw', 'Address of the device contexts.'),
  register('CONFIG', REG.CONFIG, 4, 'rw', 'Slots that are enabled.'),
  register('PORTSC', PORT_REGISTERS, 4, 'rw', 'Port status and control.', {
    repeat: { count: PORTS, stride: PORT_STRIDE },
  }),
  each('IMAN', IR.IMAN, 4, 'rw', 'Interrupter: bit 0 pending, 1 enable.', interrupters),
  each('IMOD', IR.IMOD, 4, 'rw', 'Interrupter: moderation.', interrupters),
  each('ERSTSZ', IR.ERSTSZ, 4, 'rw', 'Interrupter: segments of the event ring.', interrupters),
  each('ERSTBA', IR.ERSTBA, 8, 'rw', 'Interrupter: table of the segments.', interrupters),
  each('ERDP', IR.ERDP, 8, 'rw', 'Interrupter: what the driver has taken.', interrupters),
  register('DOORBELL0', DOORBELLS, 4, 'wo', 'Command ring doorbell.'),
];
