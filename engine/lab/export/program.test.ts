import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { headlessHost } from '../../host/headless';
import { importMachine } from '../import';
import type { Action } from '../action';
import { Lab } from '../lab';
import { html, markdown } from './report-blocks';
import type { Block } from './report-blocks';

const GPU = '0000:01:00.0';
const AUDIO = '0000:01:00.1';

/** A whole session: refusals among it, interrupts, config writes, a mapping. */
function session(): { lab: Lab; pid: number } {
  const lab = Lab.create(headlessHost());
  const act = (action: Action): void => void lab.act(action);
  act({ kind: 'bind', address: GPU, driver: 'vfio-pci' });
  const group = lab.view('topology', null).functions.find((fn) => fn.address === GPU)!.group!;
  act({ kind: 'attach', group, pid: null, containerFd: null });
  act({ kind: 'bind', address: AUDIO, driver: 'vfio-pci' });
  act({ kind: 'attach', group, pid: null, containerFd: null });
  act({ kind: 'enable-vectors', address: GPU, index: 2, count: 8 });
  act({ kind: 'write-config', address: GPU, offset: 0xb2, hex: '8100', as: 'user' });
  act({ kind: 'mask-vector', address: GPU, index: 2, vector: 1, masked: true });
  act({ kind: 'disable-vectors', address: GPU, index: 2 });
  const [process] = lab.view('containers', null).processes;
  const { pid } = process!;
  const fd = process!.containers[0]!.fd;
  const key = {};
  for (const operation of [
    { op: 'alloc', as: 'buffer', size: 0x10000 },
    {
      op: 'ioctl',
      fd,
      request: 'VFIO_IOMMU_MAP_DMA',
      arg: { flags: 3, vaddr: 'buffer+0x1000', iova: '0x100000', size: '0x1000' },
    },
    { op: 'ioctl', fd, request: 'VFIO_IOMMU_UNMAP_DMA', arg: { iova: '0x100000', size: '0x1000' } },
  ] as const)
    expect(lab.apply({ kind: 'call', pid, operation }, 'Map and unmap', key).answer?.errno).toBeUndefined();
  return { lab, pid };
}

const compiler = ['gcc', 'cc', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0) ?? null;
const canCompile = compiler !== null && existsSync('/usr/include/linux/vfio.h');

describe('a process as a C program', () => {
  it('does what the process did, under names, and tells what was refused', () => {
    const { lab, pid } = session();
    const text = lab.programText('c', pid);
    expect(text).toContain('int container = done("/dev/vfio/vfio", open("/dev/vfio/vfio", O_RDWR));');
    expect(text).toContain('ioctl(group10, VFIO_GROUP_SET_CONTAINER, &(int){ container })');
    expect(text).toContain('int device_01_00_0 = done("VFIO_GROUP_GET_DEVICE_FD"');
    expect(text).toContain('REGION(VFIO_PCI_CONFIG_REGION_INDEX) + 0xb2');
    expect(text).toMatch(/VFIO_PCI_MSIX_IRQ_INDEX, 0, 8, \(int32_t\[\]\)\{ event, event_2, .*event_8 \}/);
    expect(text).toContain('/* in the lab: ENOTTY */');
    expect(text).toContain('.vaddr = (uintptr_t)memory + 0x1000, .iova = 0x100000, .size = 0x1000');
  });

  it.skipIf(!canCompile)('compiles without a warning (skipped: no compiler with the kernel headers)', () => {
    const { lab, pid } = session();
    const folder = mkdtempSync(path.join(tmpdir(), 'vfio-lab-c-'));
    try {
      for (const [name, of] of [
        ['client', pid],
        ['root', 1],
      ] as const) {
        const file = path.join(folder, `${name}.c`);
        writeFileSync(file, lab.programText('c', of));
        const words = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-Wno-unused-variable', '-fsyntax-only', file];
        expect(spawnSync(compiler!, words, { encoding: 'utf8' }).stderr).toBe('');
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('steps as commands', () => {
  it('are the ones a person would type', () => {
    const { lab, pid } = session();
    expect(lab.programText('shell', 1)).toContain(
      ['# Bind 01:00.0 to vfio-pci', `echo vfio-pci > /sys/bus/pci/devices/${GPU}/driver_override`].join('\n'),
    );
    const lines = lab.programText('shell', pid).split('\n');
    expect(lines).toContain(`vfio attach ${GPU}`);
    expect(lines).toContain(`vfio irq ${GPU} msix 0-7`);
    expect(lines).toContain(`vfio cfg ${GPU} 0xb2.w=0081`);
    expect(lines).toContain(`vfio irq ${GPU} msix mask 1`);
    expect(lines).toContain(`vfio irq ${GPU} msix off`);
    expect(lines).toContain('vfio map 0x100000 0x1000');
    const { step } = lab.act({ kind: 'write-config', address: GPU, offset: 0x3c, hex: '55', as: 'root' });
    expect(lab.programText('shell', { step: step!.number })).toBe(`# Write 03c of 01:00.0\nsetpci -s ${GPU} 3c.b=55\n`);
  });

  it.skipIf(spawnSync('bash', ['--version']).status !== 0)('are a script (skipped: no bash)', () => {
    const { lab } = session();
    expect(() => execFileSync('bash', ['-n'], { input: lab.programText('shell', 1) })).not.toThrow();
  });
});

describe('exports of the machine as it is', () => {
  it.each(['snapshot', 'sysfs'] as const)('%s is read back with its drivers and groups', (format) => {
    const { lab } = session();
    const back = importMachine(format === 'sysfs' ? 'x.tar' : 'x.machine.json', lab.exportAs(format));
    const now = lab.view('topology', null);
    const drivers = new Map(back.functions.map((fn) => [fn.address, fn.driver]));
    for (const fn of now.functions) expect([fn.address, drivers.get(fn.address)]).toEqual([fn.address, fn.driver]);
    expect(drivers.get(GPU)).toBe('vfio-pci');
    const again = new Lab(headlessHost(), back);
    const members = (of: Lab): string[] =>
      of
        .view('topology', null)
        .groups.map((group) => group.members.join())
        .sort();
    expect(members(again)).toEqual(members(lab));
  });

  it('the hex dump has the registers of now', () => {
    const { lab } = session();
    const before = new TextDecoder().decode(lab.exportAs('hex-dump'));
    lab.act({ kind: 'write-config', address: GPU, offset: 0x3c, hex: '55', as: 'root' });
    const after = new TextDecoder().decode(lab.exportAs('hex-dump'));
    const gpu = (text: string): string => /^01:00\.0 [\s\S]*?\n30: (.*)$/m.exec(text)![1]!;
    expect(gpu(before).split(' ')[12]).not.toBe('55');
    expect(gpu(after).split(' ')[12]).toBe('55');
  });

  it('a machine that was built and booted keeps its groups', () => {
    for (const { id } of headlessHost().samples()) {
      const lab = Lab.create(headlessHost());
      lab.openSample(id);
      const back = new Lab(headlessHost(), importMachine('x.machine.json', lab.exportAs('snapshot')));
      expect(back.view('machine', null).groups, id).toBe(lab.view('machine', null).groups);
    }
  });
});

describe('a report', () => {
  it('tells groups with their reasons, who holds what and what was done', () => {
    const { lab } = session();
    const text = new TextDecoder().decode(lab.exportAs('report-md'));
    expect(text).toMatch(/^### Group 10: held by a process$/m);
    expect(text).toMatch(/01:00\.1: .*\(this decides\)/);
    expect(text).toContain('Attach group 10 (refused)'.replace('(', '('));
    expect(text).toMatch(/vfio-client \(\d+\): container fd 3, type1v2, group 10/);
    const page = new TextDecoder().decode(lab.exportAs('report-html'));
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain('<h3>Group 10: held by a process</h3>');
  });

  it('leaves nothing of a machine that could be taken for markup', () => {
    const nasty = '<script>alert(1)</script> [x](javascript:1) | `code` & "quotes"\n# heading';
    const blocks: Block[] = [
      { kind: 'heading', level: 1, text: nasty },
      { kind: 'text', text: nasty },
      { kind: 'list', items: [nasty] },
      { kind: 'table', head: [nasty], rows: [[nasty]] },
    ];
    expect(html(blocks, nasty)).not.toMatch(/<script>|<\/script>/);
    const lines = markdown(blocks).trimEnd().split('\n');
    expect(lines.filter((line) => line.startsWith('#'))).toHaveLength(1);
    for (const line of lines) expect(line).not.toMatch(/(^|[^\\])[<`[]/);
  });
});
