import { describe, expect, it } from 'vitest';
import { bootKernel } from '../../linux/kernel';
import { LessonError } from './lesson';
import { readPartsList } from './parts-list';

const LIST = `format: vfiolab-parts/1
name: two cards
parts:
  - part: root-complex
    below:
      - part: root-port
        below:
          - part: switch-acs
            straps: { ports: 2 }
            below:
              - null
              - part: nvme
      - part: root-port
        below:
          - part: pcie-to-pci-bridge
            below: [{ part: pci-sound }, { part: pci-network, device: 5 }]
`;

describe('a list of parts', () => {
  it('becomes a machine that boots, each part where it is listed', () => {
    const { pci } = bootKernel(readPartsList('m.yaml', LIST));
    const below = (name: string): string[] =>
      [...pci.devices.values()].filter((one) => one.function.parent?.name === name).map((one) => one.name);
    expect(below('0000:00:01.0')).toEqual(['0000:01:00.0']);
    expect(below('0000:01:00.0')).toEqual(['0000:02:01.0', '0000:02:02.0']);
    expect(below('0000:02:01.0')).toEqual([]);
    expect(below('0000:02:02.0')).toHaveLength(1);
    expect(below('0000:05:00.0')).toEqual(['0000:06:00.0', '0000:06:05.0']);
  });

  it.each([
    ['another format', LIST.replace('parts/1', 'parts/7'), 1, /reads vfiolab-parts\/1/],
    ['no YAML', LIST.replace('name: two', 'name: [two'), 3, /./],
    ['an unknown key', LIST.replace('part: nvme', 'prat: nvme'), 12, /below\.1/],
    ['an unknown part', LIST.replace('part: nvme', 'part: toaster'), 12, /no part toaster/],
    ['a strap out of range', LIST.replace('ports: 2', 'ports: 99'), 8, /31/],
    ['a part that cannot stand there', LIST.replace('part: pci-sound', 'part: gpu'), 16, /cannot stand/],
    ['too much for the ports', LIST.replace('- null', '- null\n              - null'), 13, /only 2 ports/],
  ])('is refused with its line: %s', (_, text, line, message) => {
    const error = (() => {
      try {
        readPartsList('m.yaml', text);
      } catch (caught) {
        return caught;
      }
      return null;
    })();
    expect(error).toBeInstanceOf(LessonError);
    expect(error).toMatchObject({ line });
    expect((error as LessonError).message).toMatch(message);
  });
});
