/** Electron's fuses: switches in the executable, behind a sentinel: version, count, then one digit each. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

const SENTINEL = Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX', 'latin1');
const WIRE_VERSION = 1;
export const FUSE = { nodeCliInspect: 3, browserSnapshot: 6 };

/** @param {Record<number, boolean>} wanted by the fuse's place */
export function setFuses(file, wanted) {
  const bytes = readFileSync(file);
  const at = bytes.indexOf(SENTINEL);
  if (at < 0 || bytes.indexOf(SENTINEL, at + 1) >= 0) throw new Error(`${file} does not have exactly one fuse wire`);
  const wire = at + SENTINEL.length;
  if (bytes[wire] !== WIRE_VERSION) throw new Error(`${file} has a fuse wire of an unknown version`);
  const count = bytes[wire + 1];
  const handle = openSync(file, 'r+');
  try {
    for (const [place, on] of Object.entries(wanted)) {
      if (Number(place) >= count) throw new Error(`${file} has no fuse ${place}`);
      writeSync(handle, on ? '1' : '0', wire + 2 + Number(place), 'latin1');
    }
  } finally {
    closeSync(handle);
  }
}
