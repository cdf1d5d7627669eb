#!/usr/bin/env node
// Records what Debian's lspci and setpci (package pciutils 3.9.0, pci.ids) say about made-up dumps, into
// engine/shell/programs/lspci/recorded.json.gz, which the tests hold the lab's own programs to. The dumps are made from a
// seed: capabilities of every kind with garbled contents, lists that loop or leave the space, bridges whose numbers
// contradict each other, broken text. Run on a Debian machine: node scripts/refresh-pciutils.mjs [SEED]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

let state = Number(process.argv[2] ?? 20251) >>> 0 || 1;
/** 0 … n − 1 */
function below(n) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  state >>>= 0;
  return state % n;
}
const pick = (list) => list[below(list.length)];
const chance = (percent) => below(100) < percent;
const hex = (value, digits) => value.toString(16).padStart(digits, '0');

function dumpOf(functions) {
  const lines = [];
  for (const { address, config } of functions) {
    lines.push(`${address} recorded`);
    for (let at = 0; at < config.length; at += 16) {
      lines.push(`${hex(at, 2)}: ${[...config.subarray(at, at + 16)].map((byte) => hex(byte, 2)).join(' ')}`);
    }
    lines.push('');
  }
  return `${lines.join('\n')}\n`;
}

const HEADERS = [
  '8680d310070510000000000200000000',
  '361b0c00070510000000040601000100',
  'f41a4110070510000100000200008000',
  '221082140000900000000006ffff8000',
  '4c1052ac070010020200070608a88200',
  'de10841b0300100000a1000300008000',
];

/** Header of a usual function, every register behind it zero, random or all ones. */
function header(size, density) {
  const config = new Uint8Array(size);
  config.set(Buffer.from(pick(HEADERS), 'hex'));
  for (let at = 0x10; at < size; at++) if (chance(density)) config[at] = chance(20) ? 0xff : below(256);
  config[0x34] = 0x40;
  return config;
}

const STANDARD = [...Array(0x17).keys(), 0x08, 0x08, 0x10, 0x10, 0x14, 0xff];
const NEAR_THE_END = [0x80, 0xc0, 0xd0, 0xe0, 0xe4, 0xe8, 0xec, 0xf0, 0xf4, 0xf8, 0xfc];

function standard() {
  const config = header(pick([64, 256, 256, 256]), pick([0, 5, 40, 100]));
  if (config.length === 64) return config;
  let at = chance(30) ? pick(NEAR_THE_END) : 0x40;
  config[0x34] = at;
  for (let left = 1 + below(6); left > 0 && at < 0x100; left--) {
    config[at] = pick(STANDARD);
    if (config[at] === 0x08)
      config[at + 3] = pick([0, 0x20, 0x80, 0x88, 0x90, 0x98, 0xa0, 0xa8, 0xb0, 0xb8, 0xc0, 0xd0]);
    if (config[at] === 0x10) config[at + 2] = below(4) | (below(16) << 4);
    const next = left === 1 ? pick([0, 0, 0, 0x40, at, 0x0c]) : (at + pick([4, 8, 0x10, 0x18, 0x34, 0x3c])) & 0xfc;
    config[at + 1] = next;
    at = next < at ? 0x100 : next;
  }
  return config;
}

function extended() {
  const config = header(4096, 0);
  config[0x40] = 0x10;
  config[0x42] = 1 + below(2) + (below(12) << 4);
  for (let at = 0x44; at < 0x80; at++) if (chance(30)) config[at] = below(256);
  let at = 0x100;
  const density = pick([5, 40, 100]);
  for (let left = 1 + below(5); left > 0 && at < 4096; left--) {
    const next =
      left === 1
        ? pick([0, 0, 0, 0x100, at, 0x0c])
        : chance(10)
          ? pick([0xf80, 0xfe0, 0xff8])
          : at + 0x20 + 16 * below(6);
    const value = below(0x32) | (below(4) << 16) | (next << 20);
    for (let i = 0; i < 4; i++) config[at + i] = value >>> (8 * i);
    for (let i = 4; i < 0x60 && at + i < 4096; i++) config[at + i] = chance(density) ? below(256) : 0;
    at = next < at ? 4096 : next;
  }
  return config;
}

function mutated() {
  const config = chance(50) ? standard() : extended();
  for (let left = below(30); left > 0; left--) config[below(0x40)] = pick([0, 0xff, below(256)]);
  return config;
}

function tree() {
  const functions = new Map();
  const domains = pick([[0], [0], [0, 1], [2]]);
  for (let left = 1 + below(10); left > 0; left--) {
    const address = `${hex(pick(domains), 4)}:${hex(below(5), 2)}:${hex(below(3), 2)}.${below(2)}`;
    const config = header(128, 0);
    if (chance(60)) {
      config.set(Buffer.from(HEADERS[1], 'hex'));
      const secondary = below(5);
      config[0x19] = secondary;
      config[0x1a] = pick([secondary, secondary + below(3), below(5)]);
    }
    functions.set(address, { address, config });
  }
  return [...functions.values()];
}

const NOISE = [
  '',
  ' ',
  '\t',
  'x',
  ':',
  '10: 00',
  '1000: 00',
  'ff0: 00 11',
  '00:1.0 x',
  '00:01.8 z',
  ' 10: 22',
  '10:  00',
];
function broken() {
  const lines = dumpOf([0, 1, 2].map((slot) => ({ address: `00:0${slot}.0`, config: header(64, 20) }))).split('\n');
  const at = below(lines.length);
  if (chance(50)) lines.splice(at, below(2), pick(NOISE));
  else lines[at] = lines[at].slice(0, below(50)) + pick(NOISE) + lines[at].slice(below(50));
  return lines.join('\n');
}

const VIEWS = [
  '-vvv',
  '-vv',
  '-v',
  '-vvvnn',
  '-n',
  '-nn',
  '-mm',
  '-m',
  '-vmm',
  '-vm',
  '-x',
  '-xxx',
  '-k',
  '-vk',
  '-bvv',
  '-D',
  '-mmnn',
  '-vmmk',
];
const TREES = ['-t', '-tv', '-tvnn', '-tvn', '-P', '-PP', '-t -s 1:', '-t -s 2:', '-t -d 8086:', '-tD', '-n'];
const FILTERS = [
  '-s *',
  '-s 1.0.0',
  '-s .8',
  '-s :1f',
  '-s :20',
  '-s 0x1:',
  '-s 100000000:',
  '-d 8086',
  '-d 08086:',
  '-d ::06',
  '-d ::0200',
  '-d :::00',
  '-d zz:',
  '-s 1 -s .0',
  '-d 8086: -s :1',
];
const REGISTERS = [
  'COMMAND',
  'command.l',
  'STATUS=1',
  'LATENCY_TIMER=ffffff80',
  'COMMAND=1:3,2',
  'CAP_EXP+8.w',
  'CAP_MSI.B',
  'ECAP_AER+4.l',
  'ECAP_ACS.w@1',
  'CAP10.b@1',
  'BRIDGE_CONTROL',
  'CB_MEMORY_BASE_0',
  'MIN_GNT',
  '10.l',
  '4',
  '4.q',
  '3.w',
  'ffe.l',
  '1000.b',
  'COMMAND+zz',
  'COMMAND=',
  'COMMAND=zz',
  'COMMAND=12345',
  'COMMAND=1:zz',
  'FOO',
  'CAP_FOO.b',
  'CAP100.b',
  'BASE_ADDRESS_0+4',
  'COMMAND.b+1',
  '4.b=:1',
  '4.b=1,',
  'CAP_PM+1.w',
];
const SELECTORS = ['-s :0', '-s .0', '-d 8086:', '-d 1022:', '-s 9:', '-s zz', '-d 8086', '-s', ''];

const cases = [];
function add(program, args, dump) {
  const folder = mkdtempSync(path.join(tmpdir(), 'pciutils-'));
  writeFileSync(path.join(folder, 'dump'), dump);
  const access = program === 'lspci' ? ['-F', 'dump'] : ['-A', 'dump', '-O', 'dump.name=dump'];
  const words = args.split(' ').filter((word) => word !== '');
  const run = spawnSync(program, program === 'lspci' ? [...words, ...access] : [...access, ...words], {
    cwd: folder,
    encoding: 'latin1',
    env: { PATH: process.env.PATH, LANG: 'C' },
  });
  rmSync(folder, { recursive: true });
  if (run.error) throw run.error;
  // What the recording machine lacks, and where lspci shows memory that nobody wrote.
  const stderr = run.stderr.replace('lspci: Unable to load libkmod resources: error -2\n', '');
  if (
    run.status === null ||
    stderr.includes('Internal bug') ||
    /Enhanced Allocation.*NumEntries=[1-9]/.test(run.stdout)
  )
    return;
  cases.push({ program, args: [...words], dump, stdout: run.stdout, stderr, status: run.status });
}

const slots = (make, count) =>
  Array.from({ length: count }, (_, i) => ({ address: `00:0${i}.${below(2)}`, config: make() }));
for (let i = 0; i < 90; i++) add('lspci', i % 3 ? '-vvv' : pick(VIEWS), dumpOf(slots(standard, 3)));
for (let i = 0; i < 90; i++) add('lspci', i % 3 ? '-vvv' : pick(VIEWS), dumpOf(slots(extended, 1)));
for (let i = 0; i < 60; i++) add('lspci', i % 2 ? '-vvv' : pick(VIEWS), dumpOf(slots(mutated, 1)));
for (let i = 0; i < 120; i++) add('lspci', pick(TREES), dumpOf(tree()));
for (let i = 0; i < 60; i++) add('lspci', '-nx', broken());
for (const filter of FILTERS) add('lspci', filter, dumpOf(slots(standard, 3)));
for (let i = 0; i < 160; i++) {
  const flags = pick(['', '', '-v', '-D', '-vD', '-f', '-Z']);
  const args = `${flags} ${pick(SELECTORS)} ${pick(REGISTERS)}${chance(30) ? ` ${pick(REGISTERS)}` : ''}`;
  add('setpci', args, dumpOf(slots(chance(50) ? standard : extended, 2)));
}

const target = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '../engine/shell/programs/lspci/recorded.json.gz',
);
writeFileSync(target, gzipSync(JSON.stringify(cases), { level: 9 }));
console.log(`${cases.length} runs of lspci and setpci recorded`);
