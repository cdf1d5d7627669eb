// Makes engine/shell/pci-ids/pci-ids.json from a pci.ids file (Debian: package pci.ids).
// Usage: node scripts/refresh-pci-ids.mjs [FILE]     default /usr/share/misc/pci.ids
import { readFileSync, writeFileSync } from 'node:fs';

const source = process.argv[2] ?? '/usr/share/misc/pci.ids';
const text = readFileSync(source, 'utf8');
const version = /^#\s*Version:\s*(\S+)/m.exec(text)?.[1];
if (!version) throw new Error(`${source}: no version line; is this a pci.ids file?`);
const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
const data = {
  about: 'The PCI ID database, https://pci-ids.ucw.cz/, comments left out. Copyright Martin Mares and Albert Pool.',
  license: 'BSD-3-Clause (the database is offered under GPL-2.0-or-later or BSD-3-Clause)',
  version,
  text: lines.join('\n'),
};
const target = new URL('../engine/shell/pci-ids/pci-ids.json', import.meta.url);
writeFileSync(target, `${JSON.stringify(data, null, 2)}\n`);
console.log(`pci.ids ${version}: ${lines.length} lines`);
