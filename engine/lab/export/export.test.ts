import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../../hardware/description';
import { COLLECT_SCRIPT } from '../import/collect-script';
import { importMachine, ImportError, readSnapshot } from '../import';
import { readTar, writeTar } from '../import/tar';
import { lspci } from '../../shell/programs/lspci/run';
import { setpci } from '../../shell/programs/setpci/run';
import type { FileAccess } from '../../shell/programs/lspci/source';
import type { Archive } from '../import/tar';
import { exportHexDump, exportMachine, exportSnapshot, exportSysfs } from './index';

const GOLDEN = '../shared/oracle/golden';
const SHIPPED = ['q35-basic', 'q35-switch', 'q35-conventional', 'q35-multifn', 'q35-sriov'];

interface Recording {
  lspci: Record<string, string>;
}

const RECORDINGS = 'engine/conformance/recordings';
const RECORDED = readdirSync(RECORDINGS).flatMap((file) => /^(.*)\.machine\.json\.gz$/.exec(file)?.[1] ?? []);
const recorded = (name: string): string => gunzipSync(readFileSync(`${RECORDINGS}/${name}.machine.json.gz`)).toString();

const shipped = (name: string): string => gunzipSync(readFileSync(`labs/machines/${name}.machine.json.gz`)).toString();
const workstation = (): MachineDescription =>
  importMachine('workstation.json', new Uint8Array(readFileSync('labs/machines/workstation.json')));

const clean = (path: string): string => {
  const out: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') out.pop();
    else if (part !== '' && part !== '.') out.push(part);
  }
  return out.join('/');
};

/** The archive mounted at /sys, links followed. */
function mounted(archive: Archive): FileAccess {
  const folders = new Map<string, Set<string>>();
  for (const path of [...archive.files.keys(), ...archive.links.keys()]) {
    const parts = path.split('/');
    for (let i = 1; i <= parts.length; i++) {
      const folder = parts.slice(0, i - 1).join('/');
      folders.set(folder, (folders.get(folder) ?? new Set()).add(parts[i - 1]!));
    }
  }
  const inside = (path: string): string => clean(path).replace(/^sys(?:\/|$)/, '');
  const resolve = (path: string): string =>
    inside(path)
      .split('/')
      .reduce((done, part) => {
        const here = done === '' ? part : `${done}/${part}`;
        const target = archive.links.get(here);
        return target === undefined ? here : clean(`${done}/${target}`);
      }, '');
  return {
    list: (path) => [...(folders.get(resolve(path)) ?? [])].sort(),
    read: (path) => archive.files.get(resolve(path)) ?? null,
    link: (path) => {
      const own = inside(path);
      const at = own.lastIndexOf('/');
      return archive.links.get(`${resolve(own.slice(0, at))}/${own.slice(at + 1)}`) ?? null;
    },
  };
}

/** What sysfs keeps apart from a function: the slots' directories are no part of the description. */
const withoutSlots = (text: string): string => text.replace(/^\tPhysical Slot: .*\n/gm, '').trimEnd();

describe('lspci over the exported sysfs', () => {
  for (const name of SHIPPED) {
    it(`prints what the real one printed on ${name}`, () => {
      const text = shipped(name);
      const files = mounted(exportSysfs(readSnapshot(text)));
      for (const [option, recorded] of Object.entries((JSON.parse(text) as Recording).lspci)) {
        expect(lspci([option], files).stdout.trimEnd(), option).toBe(withoutSlots(recorded));
      }
    });
  }

  const golden = existsSync(GOLDEN) ? readdirSync(GOLDEN).filter((name) => name.endsWith('.machine.json')) : [];
  it.skipIf(golden.length === 0)('does so on every golden machine (skipped: recordings not present)', () => {
    for (const name of golden) {
      const text = readFileSync(`${GOLDEN}/${name}`, 'utf8');
      const files = mounted(exportSysfs(readSnapshot(text)));
      for (const [option, recorded] of Object.entries((JSON.parse(text) as Recording).lspci)) {
        expect(lspci([option], files).stdout.trimEnd(), `${name} ${option}`).toBe(withoutSlots(recorded));
      }
    }
  });

  it('answers wrong options as the real one does', () => {
    const files = mounted(exportSysfs(workstation()));
    expect(lspci(['-Z'], files)).toMatchObject({ status: 1, stdout: '' });
    expect(lspci(['-Z'], files).stderr).toMatch(/^lspci: invalid option -- 'Z'\n/);
    expect(lspci(['-s', '1:0.9'], files).stderr).toBe('lspci: -s: Invalid function number\n');
    expect(lspci(['-s', '100:'], files).stderr).toBe('lspci: -s: Invalid bus number\n');
    expect(lspci(['-d', '8086'], files).stderr).toBe('lspci: -d: At least two fields must be given\n');
    expect(lspci(['-F', 'nofile'], files).stderr).toBe('lspci: dump: Cannot open nofile: No such file or directory\n');
    expect(lspci(['-s', '1f', '-n'], files).stdout.split('\n')[0]).toBe('00:1f.0 0601: 8086:7a84 (rev 11)');
    expect(lspci(['-d', '::0604', '-s', '5:'], files).stdout.split('\n').length).toBe(3);
  });
});

describe('setpci', () => {
  const files = mounted(exportSysfs(workstation()));
  const written: [string, number, number[]][] = [];
  const run = (...args: string[]) =>
    setpci(args, files, (path, offset, bytes) => {
      written.push([path, offset, [...bytes]]);
      return true;
    });

  it('reads registers and capabilities by name', () => {
    expect(run('-s', '01:00.0', 'VENDOR_ID', 'DEVICE_ID', 'CAP_EXP+2.w').stdout).toBe('1002\n73bf\n0012\n');
    expect(run('-s', '00:01.0', 'ECAP_ACS+4.l').stdout).toBe('001d001f\n');
    expect(run('-v', '-s', '01:00.0', 'COMMAND').stdout).toBe('0000:01:00.0 @04 = 0407\n');
  });

  it('writes masked values', () => {
    written.length = 0;
    expect(run('-v', '-s', '01:00.0', 'COMMAND=0:4').stdout).toBe('0000:01:00.0 @04 0407->(0000:0004)->0403\n');
    expect(written).toEqual([['/sys/bus/pci/devices/0000:01:00.0/config', 4, [0x03, 0x04]]]);
  });

  it('complains as the real one does', () => {
    const first = (...args: string[]): string => run(...args).stderr.split('\n')[0]!;
    expect(first('-s', '01:00.0', '4')).toBe('setpci: Missing width.');
    expect(first('-s', '01:00.0', 'FOO')).toBe('setpci: Unknown register "FOO".');
    expect(first('-s', '01:00.0', 'ffe.l')).toBe('setpci: Register number ffe out of range.');
    expect(first('-s', '01:00.0', 'COMMAND=10007')).toBe('setpci: Value "10007" is out of range.');
    expect(first('-s', '01:00.0', 'BRIDGE_CONTROL')).toBe(
      'setpci: 0000:01:00.0: Does not have register BRIDGE_CONTROL.',
    );
    expect(first('-s', '01:00.0', 'CAP_PM+2.w@1')).toBe(
      'setpci: 0000:01:00.0: Instance #1 of Capability 0001 not found - there is only 1 capability with that id.',
    );
    expect(run('-s', '7f:', 'COMMAND')).toMatchObject({
      status: 0,
      stderr: 'setpci: Warning: No devices selected for operation group 1.\n',
    });
    expect(first()).toBe('setpci: No operation specified.');
  });
});

describe('there and back', () => {
  for (const name of RECORDED) {
    it(`${name} as a snapshot is the same machine`, () => {
      const machine = readSnapshot(recorded(name));
      expect(readSnapshot(exportSnapshot(machine))).toEqual(machine);
    });

    it(`${name} as an archive keeps registers, tree, drivers, resources and groups`, () => {
      const machine = readSnapshot(recorded(name));
      const back = importMachine(`${name}.tar`, exportMachine(machine, 'sysfs'));
      const kept = (one: MachineDescription) =>
        one.functions.map((fn) => [
          fn.address,
          fn.parent,
          fn.rootBus,
          fn.config,
          fn.resources,
          fn.driver,
          fn.irq,
          fn.physicalFunction,
          fn.sriov,
        ]);
      expect(kept(back)).toEqual(kept(machine));
      expect(back.recordedGroups).toEqual(machine.recordedGroups);
      if (machine.iommu === 'none') expect(back.iommu).toBe('none');
    });
  }

  it.each(['workstation', ...RECORDED])('the hex dump of %s is read back bit for bit', (name) => {
    const machine = name === 'workstation' ? workstation() : readSnapshot(recorded(name));
    const back = importMachine('dump.txt', new TextEncoder().encode(exportHexDump(machine)));
    expect(back.functions.map((fn) => [fn.address, fn.parent, fn.config])).toEqual(
      machine.functions
        .map((fn): [string, string | null, string] => [fn.address, fn.parent, fn.config])
        .sort((a, b) => (a[0] < b[0] ? -1 : 1)),
    );
  });

  it('tar holds any names and contents', () => {
    const name = fc
      .stringMatching(/^[a-z0-9:.]{1,40}(?:\/[a-z0-9:_]{1,40}){0,6}$/)
      .filter((one) => !/(?:^|\/)\.*(?:\/|$)/.test(one));
    fc.assert(
      fc.property(fc.dictionary(name, fc.uint8Array({ maxLength: 2000 })), (contents) => {
        const files = new Map(Object.entries(contents));
        expect(readTar(writeTar({ files, links: new Map() })).files).toEqual(files);
      }),
      { numRuns: 50 },
    );
  });

  it('what is behind a port that leads outside comes back as that', () => {
    const machine = workstation();
    const [port, below] = machine.functions.flatMap((fn) =>
      fn.parent !== null && machine.functions.find((one) => one.address === fn.parent)!.parent === null
        ? [machine.functions.find((one) => one.address === fn.parent)!, fn]
        : [],
    );
    below!.attributes['untrusted'] = 1;
    const read = importMachine('x.tar', exportMachine(machine, 'sysfs'));
    const attributesOf = (address: string) => read.functions.find((fn) => fn.address === address)!.attributes;
    expect(attributesOf(port!.address)['externalFacing']).toBe(1);
    expect(attributesOf(below!.address)['untrusted']).toBe(1);
    expect(read.functions.filter((fn) => fn.attributes['untrusted'] === 1)).toHaveLength(1);
  });

  it('a cut archive is refused', () => {
    const whole = exportMachine(workstation(), 'sysfs');
    expect(() => importMachine('x.tar', whole.subarray(0, 3000))).toThrow(ImportError);
  });
});

const hasLspci = ((): boolean => {
  try {
    return execFileSync('lspci', ['--version'], { encoding: 'utf8' }).includes('3.9.0');
  } catch {
    return false;
  }
})();

const MAIN_OPTIONS = ['-nn', '-t', '-tv', '-k', '-x', '-xxx', '-xxxx', '-vvv'];
const EVERY_OPTION = [...MAIN_OPTIONS, '-vv', '-v', '-mm', '-vmm'];

describe.skipIf(!hasLspci)("Debian's lspci on the exported files (skipped: pciutils 3.9.0 not present)", () => {
  it('prints what ours prints', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vfiolab-export-'));
    try {
      const file = join(folder, 'dump.txt');
      const machines = [workstation(), ...RECORDED.map((name) => readSnapshot(recorded(name)))];
      for (const machine of machines) {
        const options = SHIPPED.includes(machine.name) ? EVERY_OPTION : MAIN_OPTIONS;
        const text = exportHexDump(machine);
        writeFileSync(file, text);
        const files: FileAccess = { list: () => [], link: () => null, read: () => new TextEncoder().encode(text) };
        for (const option of options) {
          const real = execFileSync('lspci', ['-O', 'hwdb.disable=1', '-F', file, option], {
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore'],
            maxBuffer: 1 << 28,
          });
          expect(lspci(['-F', file, option], files).stdout, `${machine.name} ${option}`).toBe(real);
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

it('the documented script is the one that the app shows', () => {
  expect(readFileSync('docs/collect-machine.sh', 'utf8')).toBe(COLLECT_SCRIPT);
});
