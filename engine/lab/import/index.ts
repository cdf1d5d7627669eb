/** Opens a file of any kind that describes a machine, choosing the reader by what is in it. */
import type { MachineDescription } from '../../hardware/description';
import { checkDescription } from '../document/description-schema';
import { ImportError } from './error';
import { readFacter } from './facter';
import { textInJson } from './other-lists';
import { looksLikeQemu, looksLikeTopology, readQemu, readTopology } from './qemu';
import { jsonErrorLine, readSnapshot } from './snapshot';
import { readSysfs } from './sysfs';
import { readText } from './text';
import type { Archive } from './tar';
import { looksLikeTar, readTar } from './tar';

export { ImportError } from './error';
export { readSnapshot } from './snapshot';

/** A dump of 10,000 functions with all registers has some 200 MB as text, but such a machine comes as an archive. */
const MAX_TEXT = 48 * 1024 * 1024;

/** JSON of any of four kinds: a recorded machine, the lab's own description, a facter report, arguments of QEMU. */
function readJson(text: string, name: string): MachineDescription {
  const format = /"format"\s*:\s*"([^"]*)"/.exec(text.slice(0, 65536))?.[1];
  if (format?.startsWith('machine/')) return readSnapshot(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ImportError(`is no complete JSON: ${message.slice(0, 120)}`, jsonErrorLine(text, message));
  }
  if (looksLikeTopology(value)) return readTopology(value);
  if (!format?.startsWith('vfiolab-machine/')) {
    const inside = textInJson(value);
    return inside === null ? readFacter(value, name) : readText(inside, name);
  }
  const checked = checkDescription(value);
  if ('problem' in checked) throw new ImportError(checked.problem);
  return checked;
}

/** A NUL or many bytes that no text has, near the start. */
function isBinary(bytes: Uint8Array): boolean {
  const start = bytes.subarray(0, 8192);
  let odd = 0;
  for (const byte of start) {
    if (byte === 0) return true;
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x1b && byte !== 0x0c) odd++;
  }
  return odd > start.length / 20;
}

/** As UTF-8, or as UTF-16 where its mark or its NULs say so: Windows' shell writes that into files. */
function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  const start = bytes.subarray(0, 512);
  const marked = first === 0xff && second === 0xfe;
  const wide = start.length >= 8 && start.every((byte, index) => (index & 1) === 0 || byte === 0);
  return new TextDecoder(marked || wide ? 'utf-16le' : 'utf-8').decode(bytes);
}

/** A copy of `/sys`, or a collection of logs: what text of it tells of PCI functions. */
function readArchive(archive: Archive, name: string): MachineDescription {
  const texts = [...archive.files]
    .filter(([path]) => /lspci|dmesg|journal|kern|iommu|groups/i.test(path.split('/').at(-1)!))
    .filter(([, data]) => data.length > 0 && data.length <= MAX_TEXT && !isBinary(data));
  const copied = [...archive.files.keys()].some((path) => path.endsWith('/config'));
  if (copied || texts.length === 0) return readSysfs(archive, name);
  return readText(texts.map(([, data]) => new TextDecoder().decode(data)).join('\n\n'), name);
}

/** `/tmp/my-desktop.txt` → `my-desktop`. */
const machineName = (fileName: string): string =>
  (fileName.split(/[\\/]/).at(-1) ?? '').replace(/(?:\.(?:txt|log|lspci|json|sh|gz|tgz|tar))+$/i, '').slice(0, 256) ||
  'machine';

/** Throws ImportError with the file, the line where that is known, and what is wrong. */
export function importMachine(fileName: string, bytes: Uint8Array): MachineDescription {
  try {
    if (bytes.length === 0) throw new ImportError('is empty');
    if (looksLikeTar(bytes)) return readArchive(readTar(bytes), machineName(fileName));
    if (bytes.length > MAX_TEXT) {
      throw new ImportError(
        `has ${Math.round(bytes.length / 1048576)} MiB; a dump has at most ${MAX_TEXT / 1048576} MiB`,
        1,
      );
    }
    const text = decodeText(bytes);
    if (/^\s*(?:\{|\[\s*[{"])/.test(text.slice(0, 256))) return readJson(text, machineName(fileName));
    if (isBinary(new TextEncoder().encode(text.slice(0, 8192))))
      throw new ImportError('is no text and no archive that can be read', 1);
    if (looksLikeQemu(text)) return readQemu(text, machineName(fileName));
    return readText(text, machineName(fileName));
  } catch (error) {
    throw error instanceof ImportError ? error.inFile(fileName) : error;
  }
}

/**
 * A copy of a machine's `/sys` as files by relative path, or a folder of logs and listings. `links` are its symbolic links (path → target) where the
 * copy kept them: `driver`, `iommu_group`, `physfn`.
 */
export function importFolder(
  folder: string,
  files: Map<string, Uint8Array>,
  links: Map<string, string> = new Map(),
): MachineDescription {
  try {
    return readArchive({ files, links }, machineName(folder.replace(/[\\/]+$/, '')));
  } catch (error) {
    throw error instanceof ImportError ? error.inFile(folder) : error;
  }
}
