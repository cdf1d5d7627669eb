import type { FilterState, Width } from '../filter';

const DEVICE_CAPABILITIES = 4;
const DEVICE_CONTROL = 8;
const CAN_RESET = 0x10000000;
const INITIATE_RESET = 0x8000;
const READ_REQUEST = 0x7000;

/** A function level reset asked for by the user is the host's to do; the read request size has a floor (8.5). */
export function writeExpress(filter: FilterState, at: number, offset: number, width: Width, value: number): number {
  const control = at - offset + DEVICE_CONTROL;
  const before = filter.shadowWord(control) & READ_REQUEST;
  filter.store(at, width, value);
  const flags = filter.shadowWord(control);
  if (flags & INITIATE_RESET) {
    filter.setShadow(control, 2, flags & ~INITIATE_RESET);
    if (filter.hardware.read(at - offset + DEVICE_CAPABILITIES, 4) & CAN_RESET) reset(filter);
  }
  const request = filter.shadowWord(control) & READ_REQUEST;
  if (request !== before) filter.host.setMaxReadRequest(Math.max(128 << (request >>> 12), filter.host.maxPayload()));
  return 0;
}

const AF_CAPABILITIES = 3;
const AF_CONTROL = 4;

/** Advanced Features: reset needs both the reset and the transactions-pending bit. */
export function writeAdvancedFeatures(
  filter: FilterState,
  at: number,
  offset: number,
  width: Width,
  value: number,
): number {
  const control = at - offset + AF_CONTROL;
  filter.store(at, width, value);
  if (!(filter.layout.shadow[control]! & 1)) return 0;
  filter.setShadow(control, 1, filter.layout.shadow[control]! & ~1);
  if ((filter.hardware.read(at - offset + AF_CAPABILITIES, 1) & 3) === 3) reset(filter);
  return 0;
}

function reset(filter: FilterState): void {
  filter.host.revokeMappings();
  filter.host.tryReset();
}
