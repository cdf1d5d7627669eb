/** Machines from the host's files: a dump, a folder of /sys, a lab document, a list of parts. */
import { statSync } from 'node:fs';
import type { MachineDescription } from '../hardware/description';
import { ImportError, importFolder, importMachine } from '../lab/import';
import type { DocumentContents } from '../lab/document/format';
import { DocumentError, looksLikeDocument, readDocument } from '../lab/document/format';
import { readPartsList } from '../lab/lessons/parts-list';
import { exists, HostFileError, readBytes, readFolder } from './files';

const PARTS_LIST = /\.ya?ml$/;

export function readMachine(path: string): MachineDescription {
  if (!exists(path)) throw new HostFileError(`${path}: no such file or directory`);
  if (statSync(path).isDirectory()) {
    const { files, links } = readFolder(path);
    return importFolder(path, files, links);
  }
  const bytes = readBytes(path);
  if (PARTS_LIST.test(path)) return readPartsList(path, new TextDecoder().decode(bytes));
  return isDocument(bytes) ? parseDocument(path, bytes).machine : importMachine(path, bytes);
}

/** A `.vfiolab` document: the machine it starts from and what was done to it. */
export function readDocumentFile(path: string): DocumentContents {
  if (!exists(path)) throw new HostFileError(`${path}: no such file or directory`);
  const bytes = readBytes(path);
  if (!isDocument(bytes)) throw new ImportError('is no VFIO Lab document').inFile(path);
  return parseDocument(path, bytes);
}

const isDocument = (bytes: Uint8Array): boolean => looksLikeDocument(new TextDecoder().decode(bytes.subarray(0, 256)));

function parseDocument(path: string, bytes: Uint8Array): DocumentContents {
  try {
    return readDocument(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof DocumentError) throw new ImportError(error.message, error.line).inFile(path);
    throw error;
  }
}
