import { describe, expect, it } from 'vitest';
import { playTrace } from '../../conformance/player';
import { readTrace } from '../../conformance/trace';
import { sampleMachine } from '../../host/samples';
import type { Operation } from '../../linux/uapi/operation';
import { History } from '../journal';
import { traceOf } from './trace';

/** A journal of two processes that hold the same descriptor numbers. */
function history(): History {
  const history = History.of(sampleMachine());
  const key = {};
  const call = (pid: number, operation: Operation): void => {
    history.apply({ kind: 'call', pid, operation }, 'test', key);
  };
  for (const pid of [100, 200]) history.apply({ kind: 'spawn', pid, parent: 1, name: 'p', uid: 0 }, 'test', key);
  for (const pid of [100, 200]) {
    call(pid, { op: 'open', path: '/dev/vfio/vfio', flags: 'O_RDWR', as: 'container' });
    call(pid, { op: 'ioctl', fd: 3, request: 'VFIO_CHECK_EXTENSION', arg: 3 });
    call(pid, { op: 'alloc', as: 'buf', size: 4096 });
    call(pid, { op: 'poke', at: 'buf+0x10', hex: '0102' });
  }
  call(100, { op: 'close', fd: 3 });
  call(200, { op: 'ioctl', fd: 3, request: 'VFIO_GET_API_VERSION' });
  history.apply({ kind: 'stimulus', stimulus: { device: '0000:01:00.0', kind: 'interrupt', vector: 0 } }, 'fire', {});
  return history;
}

describe('a journal as a trace', () => {
  it('keeps the processes apart and plays back to the same answers', () => {
    const { contents } = history();
    const { text, leftOut } = traceOf(contents, 'sample');
    const trace = readTrace(text);
    const result = playTrace(contents.machine, trace);
    expect(result.differences).toEqual([]);
    expect(result.passed).toBe(10);
    const descriptors = trace.steps.flatMap((step) => (step.operation.op === 'open' ? [step.operation.as] : []));
    expect(new Set(descriptors).size).toBe(2);
    expect(leftOut).toHaveLength(1);
  });
});
