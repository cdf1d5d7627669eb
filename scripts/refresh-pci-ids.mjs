// Makes the PCI ID files from pci.ids files (Debian: package pci.ids).
// Usage: node scripts/refresh-pci-ids.mjs [FILE]            pci-ids.json, what lspci prints; default /usr/share/misc/pci.ids
//        node scripts/refresh-pci-ids.mjs --other FILE...   other-names.json: names in these files that pci-ids.json lacks
import { readFileSync, writeFileSync } from 'node:fs';

const FOLDER = new URL('../engine/shell/pci-ids/', import.meta.url);
const ORIGIN = 'The PCI ID database, https://pci-ids.ucw.cz/';
const COPYRIGHT = 'Copyright Martin Mares and Albert Pool.';
const LICENSE = 'BSD-3-Clause (the database is offered under GPL-2.0-or-later or BSD-3-Clause)';

/** Version and lines without comments. */
function read(source) {
  const text = readFileSync(source, 'utf8');
  const version = /^#\s*Version:\s*(\S+)/m.exec(text)?.[1];
  if (!version) throw new Error(`${source}: no version line; is this a pci.ids file?`);
  return { version, lines: text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')) };
}

/** Names by `vvvv` and `vvvv:dddd`, in the file's order; subsystems and classes left out. */
function namesIn(lines) {
  const names = new Map();
  let vendor = null;
  for (const line of lines) {
    if (line.startsWith('C ')) break;
    if (!line.startsWith('\t')) {
      vendor = line.slice(0, 4);
      names.set(vendor, line.slice(6));
    } else if (!line.startsWith('\t\t')) names.set(`${vendor}:${line.slice(1, 5)}`, line.slice(7));
  }
  return names;
}

function write(name, about, version, lines) {
  const data = { about: `${ORIGIN}${about} ${COPYRIGHT}`, license: LICENSE, version, text: lines.join('\n') };
  writeFileSync(new URL(name, FOLDER), `${JSON.stringify(data, null, 2)}\n`);
  console.log(`${name}: pci.ids ${version}, ${lines.length} lines`);
}

if (process.argv[2] === '--other') {
  const known = namesIn(JSON.parse(readFileSync(new URL('pci-ids.json', FOLDER), 'utf8')).text.split('\n'));
  const files = process.argv.slice(3).map(read);
  const fresh = new Set();
  for (const { lines } of files) {
    for (const [id, name] of namesIn(lines)) if (known.get(id) !== name) fresh.add(`${id} ${name}`);
  }
  const versions = files.map((file) => file.version).join(', ');
  write('other-names.json', ', names that version 2023.04.10 lacks.', versions, [...fresh].sort());
} else {
  const { version, lines } = read(process.argv[2] ?? '/usr/share/misc/pci.ids');
  write('pci-ids.json', ', comments left out.', version, lines);
}
