/** Errors from a device to the log, the counters and the driver in user space. */
import { describe, expect, it } from 'vitest';
import { MachineBuilder } from '../../hardware/parts/fixture';
import { Machine } from '../../lab/machine';
import { UserDriver } from '../../lab/user-driver.fixture';

const CARD = '0000:01:00.0';
const PORT = '0000:00:01.0';

function machine(part = 'e1000e'): Machine {
  const builder = new MachineBuilder();
  builder.behindPort(part);
  return new Machine(builder.description);
}

function errorLog(m: Machine, error: string): string[] {
  const from = m.kernel.log.records.length;
  expect(m.apply({ kind: 'stimulus', stimulus: { device: CARD, kind: 'error', error } }).error).toBeNull();
  return m.kernel.log.records.slice(from).map((record) => record.text);
}

const file = (m: Machine, path: string): string =>
  m.observe(1, { op: 'sysread', path: `/sys/bus/pci/devices/${path}` }).text!;

describe('an error that a device reports', () => {
  it('is printed and counted when it was correctable', () => {
    const m = machine();
    expect(errorLog(m, 'RxErr')).toEqual([
      `pcieport ${PORT}: AER: Correctable error message received from ${CARD}`,
      `e1000e ${CARD}: PCIe Bus Error: severity=Correctable, type=Physical Layer, (Receiver ID)`,
      `e1000e ${CARD}:   device [8086:10d3] error status/mask=00000001/0000e000`,
      `e1000e ${CARD}:    [ 0] RxErr                  (First)`,
    ]);
    errorLog(m, 'RxErr');
    expect(file(m, `${CARD}/aer_dev_correctable`)).toMatch(/^RxErr 2\n[\s\S]*TOTAL_ERR_COR 2\n$/);
    expect(file(m, `${PORT}/aer_rootport_total_err_cor`)).toBe('2\n');
  });

  it('lets the driver recover when it was not fatal', () => {
    const m = machine();
    const lines = errorLog(m, 'CmpltTO');
    expect(lines[0]).toBe(`pcieport ${PORT}: AER: Uncorrectable (Non-Fatal) error message received from ${CARD}`);
    expect(lines[1]).toContain('severity=Uncorrectable (Non-Fatal), type=Transaction Layer, (Requester ID)');
    expect(lines.at(-1)).toBe(`pcieport ${PORT}: AER: device recovery successful`);
  });

  it('resets the link when it was fatal; the driver puts the registers back', () => {
    const m = machine();
    const bar = m.kernel.pci.devices.get(CARD)!.config.read(0x10, 4);
    expect(errorLog(m, 'MalfTLP')).toEqual([
      `pcieport ${PORT}: AER: Uncorrectable (Fatal) error message received from ${CARD}`,
      `e1000e ${CARD}: PCIe Bus Error: severity=Uncorrectable (Fatal), type=Inaccessible, (Unregistered Agent ID)`,
      `pcieport ${PORT}: AER: Root Port link has been reset (0)`,
      `pcieport ${PORT}: AER: device recovery successful`,
    ]);
    expect(bar).not.toBe(0);
    expect(m.kernel.pci.devices.get(CARD)!.config.read(0x10, 4)).toBe(bar);
  });

  it('cannot be recovered from without a driver that knows how', () => {
    const m = machine('xhci');
    expect(errorLog(m, 'CmpltTO').slice(-2)).toEqual([
      `xhci_hcd ${CARD}: AER: can't recover (no error_detected callback)`,
      `pcieport ${PORT}: AER: device recovery failed`,
    ]);
  });

  it('signals the ERR eventfd of a driver in user space, for uncorrectable ones', () => {
    const m = machine();
    const driver = new UserDriver(m, CARD);
    driver.interrupts(3, 1);
    errorLog(m, 'RxErr');
    expect(driver.signalled(0)).toBe(0);
    expect(errorLog(m, 'CmpltTO').at(-1)).toBe(`pcieport ${PORT}: AER: device recovery successful`);
    expect(driver.signalled(0)).toBe(1);
  });

  it('stays in the registers where reporting is off', () => {
    const m = machine();
    const device = m.kernel.pci.devices.get(CARD)!;
    const express = device.config.findCapability(0x10);
    device.config.write(express + 8, 2, 0);
    expect(errorLog(m, 'RxErr')).toEqual([]);
    const aer = device.config.findExtendedCapability(0x01);
    expect(device.config.read(aer + 0x10, 4)).toBe(1);
  });
});
