/** Opens a file of any kind that describes a machine, choosing the reader by what is in it. */
import type { MachineDescription } from '../../hardware/description';
import { checkDescription } from '../document/description-schema';
import { ImportError } from './error';
import { readSnapshot } from './snapshot';

export { ImportError } from './error';
export { readSnapshot } from './snapshot';

function readJson(text: string): MachineDescription {
  if (!/"format"\s*:\s*"vfiolab-machine\//.test(text.slice(0, 4096))) return readSnapshot(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ImportError(`is no complete JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const checked = checkDescription(value);
  if ('problem' in checked) throw new ImportError(checked.problem);
  return checked;
}

/** Throws ImportError with the file, the line where that is known, and what is wrong. */
export function importMachine(fileName: string, bytes: Uint8Array): MachineDescription {
  try {
    if (bytes.length === 0) throw new ImportError('is empty');
    const text = new TextDecoder().decode(bytes);
    if (/^\s*\{/.test(text.slice(0, 256))) return readJson(text);
    throw new ImportError('is no file that this version can read');
  } catch (error) {
    throw error instanceof ImportError ? error.inFile(fileName) : error;
  }
}
