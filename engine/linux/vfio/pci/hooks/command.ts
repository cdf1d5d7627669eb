import type { FilterState, Width } from '../filter';

const COMMAND = 0x04;
const IO = 0x1;
const MEMORY = 0x2;
const INTX_DISABLE = 0x400;
const FIRST_BAR = 0x10;

/** Writes to 0x00–0x3f: the command register has effects, the BARs live in the shadow (vfio-pci-config.md 8.1, 8.2). */
export function writeHeader(filter: FilterState, at: number, width: Width, value: number): number {
  if (at === COMMAND) {
    writeCommand(filter, width, value);
  } else {
    filter.store(at, width, value);
    if ((at >= FIRST_BAR && at < 0x28) || (at >= 0x30 && at < 0x34)) filter.barsDirty = true;
  }
  if (at === COMMAND || at === COMMAND + 1) followIntxDisable(filter);
  return 0;
}

function writeCommand(filter: FilterState, width: Width, value: number): void {
  const { shadow } = filter.layout;
  const hardware = filter.hardware.read(COMMAND, 2);
  const command = value & 0xffff;
  const seen = shadow[COMMAND]!;
  if (!(command & MEMORY)) filter.host.revokeMappings();
  const lostMemory = command & MEMORY && seen & MEMORY && !(hardware & MEMORY) && !filter.host.isVirtual;
  const lostPorts = command & IO && seen & IO && !(hardware & IO);
  if (lostMemory || lostPorts || barsLost(filter)) filter.restoreBars();
  filter.store(COMMAND, width, value);
  shadow[COMMAND] = (seen & ~(IO | MEMORY)) | (command & (IO | MEMORY));
}

/** A BAR that the host programmed reads differently now: something reset the function. */
function barsLost(filter: FilterState): boolean {
  if (filter.host.isVirtual) return false;
  for (let i = 0; i < 6; i++) {
    const saved = filter.savedBars[i]!;
    if (saved !== 0 && filter.hardware.read(FIRST_BAR + 4 * i, 4) !== saved) return true;
  }
  return false;
}

function followIntxDisable(filter: FilterState): void {
  const wanted = (filter.shadowWord(COMMAND) & INTX_DISABLE) !== 0;
  if (wanted === filter.virqDisabled) return;
  filter.virqDisabled = wanted;
  if (wanted) filter.host.maskIntx();
  else filter.host.unmaskIntx();
}
