/** NVM Express 1.4: the controller's registers (3.1), commands (5, 6) and status codes (4.6.1) as far as the model has them. */
import type { DeviceRegister } from '../data-sheet';
import { register } from '../data-sheet';

export const REG = {
  CAP: 0x00,
  CAP_HIGH: 0x04,
  VS: 0x08,
  INTMS: 0x0c,
  INTMC: 0x10,
  CC: 0x14,
  CSTS: 0x1c,
  AQA: 0x24,
  ASQ: 0x28,
  ASQ_HIGH: 0x2c,
  ACQ: 0x30,
  ACQ_HIGH: 0x34,
  DOORBELLS: 0x1000,
} as const;

/** 1024 entries a queue, contiguous queues only, ready within a second, the NVM command set, pages of 4 KiB only. */
export const CAPABILITIES = { low: 0x0201_03ff, high: 0x0000_0020 } as const;
export const LARGEST_QUEUE = 1024;
export const VERSION = 0x0001_0400;
export const PAGE = 4096;
export const BLOCK = 512;
/** Largest transfer: 2^5 pages. */
export const LARGEST_TRANSFER_ORDER = 5;
export const LARGEST_TRANSFER = PAGE << LARGEST_TRANSFER_ORDER;

export const CC = { ENABLE: 0x1, SETTINGS: 0x00ff_fff0, SHUTDOWN: 0xc000 } as const;
export const CSTS = { READY: 0x1, FATAL: 0x2, SHUTDOWN: 0xc, SHUTTING_DOWN: 0x4, SHUTDOWN_DONE: 0x8 } as const;

export const ADMIN = {
  DELETE_SQ: 0x00,
  CREATE_SQ: 0x01,
  GET_LOG_PAGE: 0x02,
  DELETE_CQ: 0x04,
  CREATE_CQ: 0x05,
  IDENTIFY: 0x06,
  ABORT: 0x08,
  SET_FEATURES: 0x09,
  GET_FEATURES: 0x0a,
  ASYNC_EVENT: 0x0c,
} as const;

export const IO = { FLUSH: 0x00, WRITE: 0x01, READ: 0x02, WRITE_ZEROES: 0x08 } as const;

const generic = (code: number): number => code;
const specific = (code: number): number => 0x100 | code;

/** Status code and its type, as they stand together in the completion. */
export const SC = {
  SUCCESS: generic(0x00),
  INVALID_OPCODE: generic(0x01),
  INVALID_FIELD: generic(0x02),
  DATA_TRANSFER: generic(0x04),
  INVALID_NAMESPACE: generic(0x0b),
  SEQUENCE: generic(0x0c),
  PRP_OFFSET: generic(0x13),
  LBA_RANGE: generic(0x80),
  INVALID_CQ: specific(0x00),
  INVALID_QUEUE: specific(0x01),
  QUEUE_SIZE: specific(0x02),
  EVENT_LIMIT: specific(0x05),
  INVALID_VECTOR: specific(0x08),
  INVALID_LOG: specific(0x09),
  QUEUE_DELETION: specific(0x0c),
} as const;

/** The controller asks not to be sent the same command again. */
export const DO_NOT_RETRY = 0x4000;

export const nvmeRegisters = (queues: number): DeviceRegister[] => [
  register('CAP', REG.CAP, 8, 'ro', 'Controller capabilities.'),
  register('VS', REG.VS, 4, 'ro', 'Version.'),
  register('INTMS', REG.INTMS, 4, 'rw', 'Interrupt mask set; not with MSI-X.'),
  register('INTMC', REG.INTMC, 4, 'rw', 'Interrupt mask clear; not with MSI-X.'),
  register('CC', REG.CC, 4, 'rw', 'Controller configuration; bit 0 enables.'),
  register('CSTS', REG.CSTS, 4, 'ro', 'Status: bit 0 ready, bit 1 fatal, bits 3:2 shutdown.'),
  register('AQA', REG.AQA, 4, 'rw', 'Sizes of the admin queues minus one: 11:0 submission, 27:16 completion.'),
  register('ASQ', REG.ASQ, 8, 'rw', 'Address of the admin submission queue.'),
  register('ACQ', REG.ACQ, 8, 'rw', 'Address of the admin completion queue.'),
  register('SQTDBL', REG.DOORBELLS, 4, 'wo', 'Submission queue tail doorbell.', {
    repeat: { count: queues, stride: 8 },
  }),
  register('CQHDBL', REG.DOORBELLS + 4, 4, 'wo', 'Completion queue head doorbell.', {
    repeat: { count: queues, stride: 8 },
  }),
];
