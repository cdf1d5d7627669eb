/** Documents from strangers, and the journals that a crash leaves. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KnownFile } from '../../electron/recovery';
import { Recovery } from '../../electron/recovery';
import { headlessHost } from '../../engine/host/headless';
import { MachineBuilder } from '../../engine/hardware/parts/fixture';
import { Lab } from '../../engine/lab/lab';
import { bytes, jsonLines, text } from '../lib/mutate';
import type { Target } from '../lib/target';
import { bytesOf, must, textOf } from '../lib/target';

/** A lab of a few devices, in which some things were done. */
function workedLab(): Lab {
  const builder = new MachineBuilder();
  for (const part of ['e1000e', 'nvme']) builder.behindPort(part);
  const lab = new Lab(headlessHost(), builder.description);
  const devices = [...lab.machine.kernel.pci.devices.values()].filter(({ class: code }) => code >> 16 !== 6);
  for (const { name: address } of devices) {
    lab.act({ kind: 'bind', address, driver: 'vfio-pci' });
    const group = lab.machine.kernel.iommu.groupOf(lab.machine.kernel.pci.devices.get(address)!)!.id;
    lab.act({ kind: 'attach', group, pid: null, containerFd: null });
    lab.act({ kind: 'enable-vectors', address, index: 2, count: 3 });
    lab.act({ kind: 'fire', address, vector: 1 });
    lab.act({ kind: 'write-config', address, offset: 4, hex: '0604', as: 'user' });
  }
  lab.undo();
  lab.undo();
  lab.act({ kind: 'reset', address: devices[0]!.name });
  lab.act({ kind: 'edit', edit: { kind: 'label', address: devices[0]!.name, label: 'mine' } });
  lab.act({ kind: 'edit', edit: { kind: 'add', part: 'edu', at: null } });
  lab.act({ kind: 'reboot', cmdline: 'intel_iommu=on iommu=pt' });
  lab.act({ kind: 'wait', ms: 5 });
  return lab;
}

function seeds(): Uint8Array[] {
  const golden = 'engine/lab/document/golden';
  return [
    workedLab().serialize(),
    ...readdirSync(golden)
      .filter((name) => name.endsWith('.vfiolab'))
      .map((name) => new Uint8Array(readFileSync(path.join(golden, name)))),
  ];
}

const mutations = [
  jsonLines(),
  jsonLines(),
  jsonLines(true),
  jsonLines(true),
  text(['{"undo":true}', '{"head":1}']),
  bytes,
];

let open: Lab | null = null;

export const documents: Target = {
  name: 'documents',
  reaches: ['engine/lab/document/', 'engine/lab/journal.ts', 'engine/lab/machine.ts', 'engine/lab/edit/'],
  seeds,
  mutations,
  run: (input) => {
    open ??= workedLab();
    const before = { machine: open.machine, inputs: open.machine.journal.length, hash: open.hash };
    const result = open.openBytes('strange.vfiolab', input, null);
    if (!result.ok) {
      must(open.machine === before.machine, 'a document that was refused took the open one away');
      must(open.machine.journal.length === before.inputs && open.hash === before.hash, 'it changed the open document');
      return;
    }
    for (const view of ['topology', 'machine', 'containers', 'calls', 'lesson', 'dmesg'] as const)
      open.view(view, null);
    open.view('history', { from: 0, count: 50 });
    const { hash } = open;
    const again = open.openBytes('again.vfiolab', open.serialize(), null);
    must(again.ok, `what was written of it is refused: ${again.ok ? '' : again.message}`);
    must(open.hash === hash, 'what was written of it is another state');
  },
  briefly: 120,
};

const HEADING = '{"title":"left","path":null}\n';

const NO_FILE: KnownFile = { lastSeen: null, recovered: () => undefined };

export const journals: Target = {
  name: 'journals',
  reaches: ['electron/recovery.ts', 'engine/lab/document/format.ts', 'engine/lab/document/tree.ts'],
  seeds: () => seeds().map((document) => bytesOf(HEADING + textOf(document))),
  mutations: [...mutations, bytes, bytes],
  run: (input) => {
    open ??= workedLab();
    const profile = mkdtempSync(path.join(tmpdir(), 'vfio-lab-fuzz-'));
    try {
      const folder = path.join(profile, 'unsaved');
      mkdirSync(folder);
      const file = path.join(folder, '1-1-1.journal');
      writeFileSync(file, input);
      const told: string[] = [];
      const before = open.machine;
      const recovery = new Recovery(open, NO_FILE, profile, ({ kind }) => told.push(kind));
      recovery.begin(file);
      must(told.length === 1, `${told.length} messages were given`);
      if (told[0] === 'warning') {
        must(open.machine === before, 'a damaged journal took the open document away');
        must(readFileSync(`${file}.damaged`).equals(input), 'the damaged journal was not kept as it was');
      } else {
        open.act({ kind: 'wait', ms: 1 });
        must(readFileSync(file, 'utf8').endsWith('\n'), 'the journal does not go on');
      }
      recovery.end();
    } finally {
      rmSync(profile, { recursive: true, force: true });
    }
  },
  briefly: 100,
};
