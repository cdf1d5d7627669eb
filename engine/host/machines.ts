/** Machines from the host's files: a dump, a folder of /sys, a lab document. */
import { statSync } from 'node:fs';
import type { MachineDescription } from '../hardware/description';
import { ImportError, importFolder, importMachine } from '../lab/import';
import { DocumentError, looksLikeDocument, readDocument } from '../lab/document/format';
import { exists, HostFileError, readBytes, readFolder } from './files';

export function readMachine(path: string): MachineDescription {
  if (!exists(path)) throw new HostFileError(`${path}: no such file or directory`);
  if (statSync(path).isDirectory()) return importFolder(path, readFolder(path));
  const bytes = readBytes(path);
  const head = new TextDecoder().decode(bytes.subarray(0, 256));
  if (!looksLikeDocument(head)) return importMachine(path, bytes);
  try {
    return readDocument(new TextDecoder().decode(bytes)).machine;
  } catch (error) {
    if (error instanceof DocumentError) throw new ImportError(error.message, error.line).inFile(path);
    throw error;
  }
}
