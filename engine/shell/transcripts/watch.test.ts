/** `vfio irq watch` in one shell while another process holds the device. */
import { expect, it } from 'vitest';
import { sampleMachine } from '../../host/samples';
import { doorTo, rootShell } from '../../host/shell';
import { runScript } from '../session';
import { BytesWriter } from '../streams';
import type { UserSpace } from '../user-space';

async function transcript(system: UserSpace, source: string): Promise<string> {
  const out = new BytesWriter();
  await runScript(system, source, { stdout: out, stderr: out });
  return out.text;
}

it('shows the arrivals at other processes, and with -v the way and what was lost', async () => {
  const holder = rootShell(doorTo(sampleMachine()), 'test');
  const address = (
    await transcript(
      holder,
      `for g in /sys/kernel/iommu_groups/*; do set -- $g/devices/*; [ $# = 1 ] && lspci -v -s \${1##*/} | grep -q MSI-X && ` +
        `! grep -q 0x0604 $1/class && echo \${1##*/}; done | tail -1`,
    )
  ).trim();
  const setUp = await transcript(
    holder,
    `driverctl set-override ${address} vfio-pci; vfio attach ${address}; vfio cfg ${address} COMMAND=6; vfio irq ${address} msix 0-1`,
  );
  expect(setUp).toContain('each vector wakes its eventfd');
  const stop = new AbortController();
  const out = new BytesWriter();
  const watcher = holder.spawn('bash');
  const watching = runScript(watcher, 'vfio irq watch -v', { stdout: out, stderr: out, signal: stop.signal });
  const until = async (text: string | RegExp): Promise<void> => {
    for (let i = 0; i < 200 && !out.text.match(text); i++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(out.text).toMatch(text);
  };
  await until('Ctrl-C ends it');
  holder.stimulate({ device: address, kind: 'interrupt', vector: 1 });
  await until(/MSI-X vector 1: arrived at eventfd \d+ of bash \(1000\)/);
  await until(/device +\S+ raises vector 1[\s\S]*reader +eventfd \d+ of bash \(1000\)/);
  holder.stimulate({ device: address, kind: 'interrupt', vector: 1500 });
  await until(/vector 1500: did not arrive\n[\s\S]*! /);
  stop.abort();
  expect(await watching).toBe(130);
  expect(out.text.match(/arrived at/g)).toHaveLength(1);
});
