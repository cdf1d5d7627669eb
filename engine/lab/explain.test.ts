import { describe, expect, it } from 'vitest';
import { sampleMachine } from '../host/samples';
import { bootKernel } from '../linux/kernel';
import { explainSubject } from './explain';

const kernel = bootKernel(sampleMachine());

describe('why', () => {
  it('tells what becomes of every bit of a config write before anybody has the function open', () => {
    const lines = explainSubject(kernel, ['write', '01:00.0', '4', '0604'])!;
    expect(lines[0]).toMatch(/^ {2}004 bits 7-0 +passed to hardware +Command/);
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}005 bit 2 +kept in the shadow/));
    expect(lines.at(-1)).toBe('  then: INTx is masked for the user');
    expect(explainSubject(kernel, ['write', '01:00.0', '0', 'ffff'])!.every((line) => line.includes('dropped'))).toBe(
      true,
    );
  });

  it('refuses what runs past the end, as the call would', () => {
    expect(explainSubject(kernel, ['write', '01:00.0', 'ffe', '00000000'])![0]).toMatch(/^refused: .*EFAULT$/);
  });

  it.each([[['write', '01:00.0', '4', 'xyz']], [['write', '7f:00.0', '4', '00']], [['write']], [['nobody']], [[]]])(
    'knows nothing of %j',
    (subject) => {
      expect(explainSubject(kernel, subject)).toBeNull();
    },
  );

  it('names the group of one function and the path of two', () => {
    expect(explainSubject(kernel, ['01:00.0'])![0]).toContain('group 10');
    expect(explainSubject(kernel, ['01:00.0', '0000:01:00.1'])!.join('\n')).toContain('share IOMMU group 10');
  });
});
