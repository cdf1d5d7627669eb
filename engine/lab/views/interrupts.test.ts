/** Interrupts as the screen shows them. */
import { expect, it } from 'vitest';
import { MachineBuilder } from '../../hardware/parts/fixture';
import { headlessHost } from '../../host/headless';
import type { Action } from '../action';
import { Lab } from '../lab';
import type { VectorView } from './types';

const NIC = '0000:01:00.0';

it('shows that vfio-pci masked INTx when it came, until the user unmasks it', () => {
  const builder = new MachineBuilder();
  builder.behindPort('lab-nic');
  const lab = new Lab(headlessHost(), builder.description);
  const act = (action: Action): void => expect(lab.act(action)).toMatchObject({ ok: true });
  const line = (): VectorView => lab.view('function', { address: NIC })!.interrupts.vectors[0]!;
  act({ kind: 'bind', address: NIC, driver: 'vfio-pci' });
  const group = lab.view('topology', null).functions.find((fn) => fn.address === NIC)!.group!;
  act({ kind: 'attach', group, pid: null, containerFd: null });
  act({ kind: 'enable-vectors', address: NIC, index: 0, count: 1 });
  expect(line()).toMatchObject({ masked: false, state: 'armed', count: 0 });
  act({ kind: 'fire', address: NIC, vector: null });
  expect(line()).toMatchObject({ masked: true, state: 'masked', count: 1 });
  act({ kind: 'mask-vector', address: NIC, index: 0, vector: 0, masked: false });
  expect(line()).toMatchObject({ masked: false, state: 'delivered', count: 1 });
});
