/** Device nodes and /proc/self as a shell finds them on a machine it has done nothing to yet. */
import { describe, expect, it } from 'vitest';
import { sampleMachine } from '../../host/samples';
import { doorTo, rootShell } from '../../host/shell';
import { runScript } from '../session';
import { BytesWriter } from '../streams';

async function transcript(source: string): Promise<string> {
  const out = new BytesWriter();
  await runScript(rootShell(doorTo(sampleMachine()), source), source, { stdout: out, stderr: out });
  return out.text;
}

const rows = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => /^[cdl-][rwx-]{9}/.test(line))
    .map((line) => line.replace(/[A-Z][a-z]{2} [ \d]\d [ \d][\d:]{4} /, ''));

describe('ls -l on device nodes', () => {
  it('shows the numbers of the fixed nodes', async () => {
    expect(rows(await transcript('ls -l /dev/vfio /dev/null'))).toEqual([
      'crw-rw-rw- 1 root root 1, 3 /dev/null',
      'crw-rw-rw- 1 root root 10, 196 vfio',
    ]);
  });

  it('counts minors of groups in the order in which their nodes came, in columns as wide as the widest', async () => {
    const bind = (address: string): string =>
      `echo vfio-pci > /sys/bus/pci/devices/${address}/driver_override; ` +
      `[ -e /sys/bus/pci/devices/${address}/driver ] && echo ${address} > /sys/bus/pci/devices/${address}/driver/unbind; ` +
      `echo ${address} > /sys/bus/pci/drivers_probe`;
    const text = await transcript(
      `set -- $(for d in /sys/bus/pci/devices/*; do [ -e $d/iommu_group ] && [ $(ls $d/iommu_group/devices | wc -l) = 1 ] && ` +
        `[ "$(cat $d/class)" != 0x060400 ] && echo \${d##*/}; done | tail -2); ` +
        `for d in $2 $1; do a=$d; ${bind('$a')}; basename $(readlink /sys/bus/pci/devices/$a/iommu_group); done; ls -l /dev/vfio`,
    );
    const [second, first] = text.split('\n');
    const found = rows(text);
    const major = /(\d+), +0 /.exec(found.join(' '))?.[1];
    expect(Number(major)).toBeGreaterThan(233);
    expect(found.sort()).toEqual(
      [
        `crw------- 1 root root ${major},   0 ${second}`,
        `crw------- 1 root root ${major},   1 ${first}`,
        'crw-rw-rw- 1 root root  10, 196 vfio',
      ].sort(),
    );
  });

  it('counts the links of a directory: its own name, its dot, and one for each directory in it', async () => {
    expect(await transcript('stat -c %h /sys/bus/pci; ls -d /sys/bus/pci/*/ | wc -l')).toMatch(/^(\d+)\n(\d+)\n$/);
    const [links, directories] = (await transcript('stat -c %h /sys/bus/pci; ls -d /sys/bus/pci/*/ | wc -l')).split(
      '\n',
    );
    expect(Number(links)).toBe(2 + Number(directories));
  });
});

describe('/proc/self', () => {
  it('is the shell itself, though it has changed nothing yet', async () => {
    const text = await transcript(
      'grep -E "^(Name|Pid|PPid|Uid)" /proc/self/status; readlink /proc/self; cat /proc/$$/comm',
    );
    expect(text).toBe('Name:\tbash\nPid:\t1000\nPPid:\t1\nUid:\t0\t0\t0\t0\n1000\nbash\n');
  });

  it('leaves no trace of the look', async () => {
    const door = doorTo(sampleMachine());
    const out = new BytesWriter();
    await runScript(rootShell(door, 'look'), 'cat /proc/self/status /proc/self/maps > /dev/null', {
      stdout: out,
      stderr: out,
    });
    expect([out.text, door.exists(1000)]).toEqual(['', false]);
  });

  it('has parents that live before their children', async () => {
    const text = await transcript('su user -c "grep ^PPid /proc/self/status"; ps -o pid,ppid,comm');
    expect(text).toMatch(/^PPid:\t1000\n/);
  });
});

describe('dmesg', () => {
  it('gives every line of the boot a later time than the one before, and the machine its uptime', async () => {
    const text = await transcript('dmesg; cat /proc/uptime');
    const times = [...text.matchAll(/^\[ *(\d+\.\d{6})\] /gm)].map((match) => Number(match[1]));
    expect(times.length).toBeGreaterThan(20);
    expect(times[0]).toBe(0);
    for (let i = 1; i < times.length; i++) expect(times[i]).toBeGreaterThan(times[i - 1]!);
    expect(Number(/^(\d+\.\d\d) \1$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(Math.floor(times.at(-1)! * 100) / 100);
    expect(await transcript('dmesg; cat /proc/uptime')).toBe(text);
  });
});
