import fs, { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { headlessHost } from '../engine/host/headless';
import { Lab } from '../engine/lab/lab';
import type { Notice } from './bridge/contract';
import { Recovery, leftJournals } from './recovery';
import type { FileIdentity } from './whole-file';

const GPU = '0000:01:00.0';
const host = headlessHost();
const well = fs.writeFileSync;

let profile: string;
beforeEach(() => {
  profile = mkdtempSync(path.join(tmpdir(), 'vfio-lab-recovery-'));
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  fills(false);
  vi.useRealTimers();
  rmSync(profile, { recursive: true, force: true });
});

/** Every write gets half of its bytes to the disk, which is full then. */
function fills(full: boolean): void {
  fs.writeFileSync = full
    ? (file, data, options) => {
        const bytes = Buffer.from(data as string);
        well(file, bytes.subarray(0, bytes.length / 2), options);
        throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
      }
    : well;
  syncBuiltinESMExports();
}

interface Watched {
  lab: Lab;
  recovery: Recovery;
  told: Notice[];
  known: FileIdentity | null;
}

function watched(left: string | null = null, known: FileIdentity | null = null): Watched {
  const lab = Lab.create(host);
  const told: Notice[] = [];
  const state = { lab, told, known } as Watched;
  const file = {
    get lastSeen() {
      return state.known;
    },
    recovered: (was: FileIdentity | null) => (state.known = was),
  };
  state.recovery = new Recovery(lab, file, profile, (notice) => told.push(notice));
  state.recovery.begin(left);
  return state;
}

const binds = (lab: Lab, driver: string | null): void => {
  expect(lab.act({ kind: 'bind', address: GPU, driver })).toMatchObject({ ok: true });
};

test('what was done comes back, with what its file was like; a document that closes in order leaves nothing', async () => {
  const identity = { modified: 1, size: 2, inode: 3 };
  const { lab, recovery } = watched(null, identity);
  expect(leftJournals(profile)).toEqual([]);
  binds(lab, 'vfio-pci');
  await recovery.settled();
  const left = leftJournals(profile);
  expect(left).toHaveLength(1);

  const again = watched(left[0]);
  expect(again.lab.hash).toBe(lab.hash);
  expect(again.known).toEqual(identity);
  expect(again.told).toMatchObject([{ kind: 'info', commands: ['save'] }]);
  again.recovery.end();
  expect(leftJournals(profile)).toEqual([]);
});

test('a disk that is full in the middle of a step: what was kept before comes back, and keeping goes on when there is room', async () => {
  const { lab, recovery, told } = watched();
  binds(lab, 'vfio-pci');
  await recovery.settled();
  const kept = lab.hash;
  fills(true);
  lab.act({ kind: 'unbind', address: GPU });
  lab.act({ kind: 'wait', ms: 1 });
  fills(false);
  expect(told).toMatchObject([{ kind: 'warning', why: 'the disk is full (ENOSPC)', commands: ['save', 'save-as'] }]);
  const [journal] = leftJournals(profile);
  // A copy, as a cut at this moment would leave it.
  const copy = path.join(profile, 'unsaved', 'copy.journal');
  writeFileSync(copy, readFileSync(journal!));
  expect(watched(copy).lab.hash).toBe(kept);
  rmSync(copy, { force: true });

  vi.advanceTimersByTime(60_000);
  lab.act({ kind: 'wait', ms: 1 });
  await recovery.settled();
  expect(told.at(-1)).toMatchObject({ kind: 'info' });
  const left = leftJournals(profile);
  expect(left).toHaveLength(1);
  expect(left).not.toEqual([journal]);
  expect(watched(left[0]).lab.hash).toBe(lab.hash);
});

test('a disk that is full from the start leaves no half journal', () => {
  const { lab, told } = watched();
  fills(true);
  binds(lab, 'vfio-pci');
  fills(false);
  expect(told).toHaveLength(1);
  expect(readdirSync(path.join(profile, 'unsaved'))).toEqual([]);
});

test('a journal that cannot be read is kept aside, and says so', () => {
  const { lab, recovery } = watched();
  binds(lab, 'vfio-pci');
  const [journal] = leftJournals(profile);
  recovery.end();
  writeFileSync(journal!, '{"title":"x","path":null}\n{"format":"another/1"}\n');
  const { told } = watched(journal!);
  expect(told).toMatchObject([{ kind: 'warning', what: 'An unsaved document could not be brought back.' }]);
  expect(leftJournals(profile)).toEqual([]);
  expect(readdirSync(path.join(profile, 'unsaved'))).toEqual([`${path.basename(journal!)}.damaged`]);
});
