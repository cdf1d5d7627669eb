#!/usr/bin/env node
/**
 * Writes engine/lab/import/qemu/devices.json: the registers that QEMU's devices have at power-on, taken from the recorded
 * machines, each found by the arguments it was made with, and for further devices from an installed QEMU 7.2.
 * `node scripts/refresh-qemu-devices.mjs`
 */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { format, resolveConfig } from 'prettier';
import { inRoot } from './lib/files.mjs';
import { registersAtPowerOn } from './lib/qemu-registers.mjs';

const RECORDINGS = inRoot('engine/conformance/recordings');
/** Options that change what registers a device has; others change numbers in them or nothing. */
const SHAPING = ['disable-acs', 'disable-legacy', 'disable-modern', 'sriov_max_vfs', 'msix_qsize', 'max_ioqpairs'];

async function load(source) {
  const { rolldown } = await import('rolldown');
  const file = inRoot('out/samples', `${process.pid}.mjs`);
  const bundle = await rolldown({ input: inRoot(source), platform: 'node', logLevel: 'silent' });
  await bundle.write({ file, format: 'esm', codeSplitting: false });
  await bundle.close();
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(file, { force: true });
  }
}

/** Devices that no recorded machine has. */
const FURTHER = {
  root: [
    'ati-vga',
    'bochs-display',
    'cirrus-vga',
    'qxl',
    'qxl-vga',
    'virtio-vga',
    'vmware-svga',
    'virtio-gpu-pci',
    'e1000-82544gc',
    'e1000-82545em',
    'e1000e',
    'i82550',
    'i82551',
    'i82557a',
    'i82557b',
    'i82557c',
    'i82558a',
    'i82558b',
    'i82559a',
    'i82559b',
    'i82559c',
    'i82559er',
    'i82562',
    'i82801',
    'ne2k_pci',
    'pcnet',
    'rtl8139',
    'tulip',
    'vmxnet3',
    'am53c974',
    'dc390',
    'lsi53c810',
    'lsi53c895a',
    'megasas',
    'megasas-gen2',
    'mptsas1068',
    'nvme,serial=x',
    'pvscsi',
    'sdhci-pci',
    'ich9-usb-ehci1',
    'ich9-usb-ehci2',
    'ich9-usb-uhci1',
    'ich9-usb-uhci2',
    'ich9-usb-uhci3',
    'ich9-usb-uhci4',
    'ich9-usb-uhci5',
    'ich9-usb-uhci6',
    'pci-ohci',
    'piix3-usb-uhci',
    'piix4-usb-uhci',
    'qemu-xhci',
    'usb-ehci',
    'ES1370',

    'i6300esb',
    'pci-serial',
    'pci-serial-2x',
    'pci-serial-4x',
    'pvpanic-pci',
    'tpci200',
  ],
  link: ['megasas-gen2', 'mptsas1068', 'pvscsi', 'virtio-gpu-pci', 'vmxnet3'],
};

/** On the root bus they have the old interface, too, unless it is turned off; at the end of a link they do not. */
const VIRTIO = ['balloon', 'blk', 'keyboard', 'mouse', 'net', 'rng', 'scsi', 'serial', 'tablet'].map((kind) =>
  kind === 'blk' ? 'virtio-blk-pci,drive=disk' : `virtio-${kind}-pci`,
);
FURTHER.root.push(...VIRTIO, ...VIRTIO.map((name) => `${name},disable-legacy=on`));
FURTHER.link.push(...VIRTIO);

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));

/** Offsets of the capabilities, standard and extended, by id. */
function capabilities(bytes) {
  const found = new Map();
  for (let at = bytes[6] & 0x10 ? bytes[0x34] & 0xfc : 0, left = 48; at >= 0x40 && left > 0; left--) {
    found.set(bytes[at], at);
    at = bytes[at + 1] & 0xfc;
  }
  for (let at = 0x100, left = 480; at >= 0x100 && at + 4 <= bytes.length && left > 0; left--) {
    const id = bytes[at] | (bytes[at + 1] << 8);
    if (id !== 0) found.set(0x10000 | id, at);
    at = ((bytes[at + 3] << 4) | (bytes[at + 2] >> 4)) & 0xffc;
  }
  return found;
}

/** The registers before firmware and Linux wrote anything. */
function atPowerOn(hex) {
  const bytes = bytesOf(hex);
  const bridge = (bytes[0x0e] & 0x7f) === 1;
  const clear = (from, to) => bytes.fill(0, from, to);
  clear(0x04, 0x06);
  clear(0x0c, 0x0e);
  clear(0x3c, 0x3d);
  for (let at = 0x10; at < (bridge ? 0x18 : 0x28); at += 4) {
    const io = bytes[at] & 1;
    const wide = !io && (bytes[at] & 6) === 4;
    const bits = bytes[at] & (io ? 3 : 0xf);
    clear(at, at + 4);
    bytes[at] = bits;
    if (wide) clear(at + 4, (at += 4) + 4);
  }
  clear(bridge ? 0x38 : 0x30, bridge ? 0x3c : 0x34);
  if (bridge) {
    clear(0x18, 0x1c);
    bytes[0x1c] = (bytes[0x1c] & 0xf) | 0xf0;
    bytes[0x1d] &= 0xf;
    clear(0x1e, 0x20);
    bytes.set([0xf0, 0xff, 0, 0, (bytes[0x24] & 0xf) | 0xf0, 0xff, bytes[0x26] & 0xf, 0], 0x20);
    clear(0x28, 0x30);
    clear(0x3e, 0x40);
  }
  const caps = capabilities(bytes);
  const at = (id) => caps.get(id);
  if (at(0x01)) clear(at(0x01) + 4, at(0x01) + 6);
  if (at(0x05)) {
    bytes[at(0x05) + 2] &= 0x8e;
    clear(at(0x05) + 4, at(0x05) + (bytes[at(0x05) + 2] & 0x80 ? 14 : 10));
  }
  if (at(0x11)) bytes[at(0x11) + 3] &= 0x3f;
  if (at(0x10)) {
    const express = at(0x10);
    clear(express + 8, express + 0x0c);
    bytes[express + 0x10] = 0;
    if (bytes[express + 3] & 1) bytes[express + 0x18] = bytes[express + 0x19] = 0;
    clear(express + 0x1c, express + 0x1e);
    clear(express + 0x20, express + 0x24);
    clear(express + 0x28, express + 0x2a);
  }
  if (at(0x10001)) clear(at(0x10001) + 0x2c, at(0x10001) + 0x30);
  if (at(0x1000d)) clear(at(0x1000d) + 6, at(0x1000d) + 8);
  if (at(0x10010)) {
    clear(at(0x10010) + 8, at(0x10010) + 10);
    clear(at(0x10010) + 0x10, at(0x10010) + 0x12);
    for (let bar = 0; bar < 6; bar++) {
      const place = at(0x10010) + 0x24 + 4 * bar;
      const bits = bytes[place] & 0xf;
      clear(place, place + 4);
      bytes[place] = bits;
      if ((bits & 6) === 4 && bar < 5) clear(place + 4, (bar++, place + 8));
    }
  }
  return bytes;
}

/** Runs of bytes that are not zero: `offset:hex`, blanks between. */
function sparse(bytes) {
  const runs = [];
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === 0) continue;
    let end = at + 1;
    while (end < bytes.length && (bytes[end] !== 0 || (bytes[end + 1] ?? 0) !== 0)) end++;
    runs.push(
      `${at.toString(16)}:${[...bytes.slice(at, end)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`,
    );
    at = end;
  }
  return runs.join(' ');
}

/** Lengths and flags of the rows of `resource` that decode something; bridge windows come at boot. */
const rowsOf = (fn) =>
  (fn.resources ?? []).slice(0, 13).flatMap(([start, end, flags], index) => {
    const size = BigInt(end) - BigInt(start) + 1n;
    if (BigInt(flags) === 0n || size <= 1n) return [];
    // Linux shows the copy of a display's ROM in low memory instead of the BAR, which has 64 KiB.
    return index === 6 && BigInt(flags) & 2n ? [[6, 0x10000, '0x0000000000046200']] : [[index, Number(size), flags]];
  });

const { layOut } = await load('engine/lab/import/qemu/layout.ts');
const found = new Map();
for (const file of readdirSync(RECORDINGS).filter((name) => name.endsWith('.machine.json.gz'))) {
  const machine = JSON.parse(gunzipSync(readFileSync(`${RECORDINGS}/${file}`)).toString());
  const recordedOf = new Map();
  for (const device of layOut(['-nodefaults', ...machine.qemu]).devices) {
    const above = device.above === null ? null : recordedOf.get(device.above).address;
    const root = `pci0000:${device.root.toString(16).padStart(2, '0')}`;
    const tail = `:${device.device.toString(16).padStart(2, '0')}.${device.function}`;
    const fn = machine.functions.find(
      (one) => one.parent === above && one.rootBus === root && one.physfn === null && one.address.endsWith(tail),
    );
    if (!fn) throw new Error(`${file}: no function for ${device.driver} at ${root} ${above ?? ''} ${tail}`);
    recordedOf.set(device, fn);
    const options = Object.fromEntries(
      SHAPING.filter((key) => device.options.has(key)).map((key) => [key, device.options.get(key)]),
    );
    const key = JSON.stringify([device.driver, device.place, options]);
    if (found.has(key)) continue;
    const bytes = atPowerOn(fn.config);
    if (!device.driver.startsWith('ich9')) bytes[0x0e] &= 0x7f;
    found.set(key, {
      driver: device.driver,
      place: device.place,
      ...(Object.keys(options).length > 0 && { options }),
      size: bytes.length,
      registers: sparse(bytes),
      ...(fn.writable && { writable: sparse(bytesOf(fn.writable)) }),
      ...(fn.writeOneToClear && { writeOneToClear: sparse(bytesOf(fn.writeOneToClear)) }),
      ...(fn.notProbed?.length > 0 && { notProbed: fn.notProbed }),
      regions: rowsOf(fn),
      ...(fn.sriov && { totalVfs: fn.sriov.totalvfs }),
    });
  }
}
for (const [place, names] of Object.entries(FURTHER)) {
  for (const name of names) {
    const made = await registersAtPowerOn(name, place);
    const [driver, ...given] = name.split(',');
    const options = Object.fromEntries(given.map((one) => one.split('=')).filter(([key]) => SHAPING.includes(key)));
    if (made === null) throw new Error(`this QEMU makes no ${driver} at power-on`);
    const { bytes, regions } = made;
    const key = JSON.stringify([driver, place, options]);
    // The recordings tell more: which bits can be written.
    if (found.has(key)) continue;
    found.set(key, {
      driver,
      place,
      ...(Object.keys(options).length > 0 && { options }),
      size: bytes.length,
      registers: sparse(bytes),
      regions,
    });
  }
}
const devices = [...found.values()].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
const about =
  "Registers of QEMU 7.2's devices at power-on, by scripts/refresh-qemu-devices.mjs from recorded machines and QEMU itself.";
const file = inRoot('engine/lab/import/qemu/devices.json');
writeFileSync(
  file,
  await format(JSON.stringify({ about, devices }), { ...(await resolveConfig(file)), parser: 'json' }),
);
console.log(`${devices.length} devices`);
