/** Where the messages of integrated endpoints end (PCIe 7.9.10). */
import { expect, it } from 'vitest';
import { HardwareMachine } from '../machine';
import { parseAddress } from '../pci/address';
import { ConfigSpace } from '../pci/config-space';
import { PciFunction, PortType } from '../pci/function';
import { ErrorRecord } from './errors';

const EXPRESS = 0x40;
const AER = 0x100;
const COLLECTOR = 0x150;

function integrated(machine: HardwareMachine, at: string, type: number, associated?: number): PciFunction {
  const config = new ConfigSpace(4096);
  config.set(0x06, 2, 0x10);
  config.set(0x34, 1, EXPRESS);
  config.set(EXPRESS, 2, 0x10);
  config.set(EXPRESS + 2, 2, (type << 4) | 2);
  config.set(EXPRESS + 8, 2, 0xf);
  config.set(AER, 4, (0x0001_0001 | (associated === undefined ? 0 : COLLECTOR << 20)) >>> 0);
  if (associated !== undefined) {
    config.set(COLLECTOR, 4, 0x0001_0007);
    config.set(COLLECTOR + 4, 4, associated);
  }
  const fn = new PciFunction(parseAddress(at)!, config, null, 'pci0000:00');
  machine.add(fn);
  return fn;
}

it('is the event collector that names their device; an endpoint of no collector tells nobody', () => {
  const machine = new HardwareMachine('none');
  integrated(machine, '00:02.0', PortType.EventCollector, 1 << 3);
  const endpoint = integrated(machine, '00:03.0', PortType.IntegratedEndpoint);
  const alone = integrated(machine, '00:04.0', PortType.IntegratedEndpoint);
  const record = new ErrorRecord(machine);
  record.uncorrectable(endpoint, 20, true, null);
  record.uncorrectable(alone, 20, true, null);
  expect(record.messages.map(({ from, endedAt }) => [from, endedAt])).toEqual([
    ['0000:00:03.0', '0000:00:02.0'],
    ['0000:00:04.0', null],
  ]);
  expect(record.marks.filter((mark) => mark.function === '0000:00:02.0').map(({ register }) => register)).toEqual([
    'Root Error Status',
    'Error Source Identification',
  ]);
});
