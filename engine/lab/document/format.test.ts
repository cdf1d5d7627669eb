import { readFileSync, readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headlessHost } from '../../host/headless';
import { Lab } from '../lab';
import { DocumentError, FORMAT, VERSION, readDocument, serializeDocument } from './format';

const FOLDER = 'engine/lab/document/golden';
const golden = (version: number): string => readFileSync(`${FOLDER}/${version}.vfiolab`, 'utf8');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const open = (text: string): { lab: Lab; result: ReturnType<Lab['openBytes']> } => {
  const lab = Lab.create(headlessHost());
  return { lab, result: lab.openBytes('a.vfiolab', bytes(text), '/home/a.vfiolab') };
};

describe('documents of each version', () => {
  it('have a file each', () => {
    const names = readdirSync(FOLDER).sort();
    expect(names).toEqual(Array.from({ length: VERSION }, (_, k) => `${k + 1}.vfiolab`));
    for (let version = 1; version <= VERSION; version++)
      expect(golden(version).split('\n')[0]).toBe(`{"format":"vfiolab/${version}"}`);
  });

  it('version 1: three steps, a group in a container', () => {
    const { lab, result } = open(golden(1));
    expect(result).toMatchObject({ ok: true });
    expect(lab.view('history', { from: 0, count: 9 }).steps.map((step) => step.label)).toEqual([
      'Bind 01:00.0 to vfio-pci',
      'Bind 01:00.1 to vfio-pci',
      'Attach group 1',
    ]);
    expect(lab.view('topology', null).groups.filter((group) => group.owned)).toHaveLength(1);
  });

  it('version 2: the way that was left, its name, and what redo brings back', () => {
    const { lab, result } = open(golden(2));
    expect(result).toMatchObject({ ok: true });
    expect(lab.view('history', { from: 0, count: 9 })).toMatchObject({
      done: 2,
      total: 3,
      branch: { number: 1 },
      branches: [{ number: 1, name: 'with the container', steps: 2, last: 'Enable 2 MSI-X on 01:00.0' }],
    });
    expect(lab.view('machine', null).document.redo).toBe('Unbind 01:00.1');
    expect(lab.goToBranch(4)).toMatchObject({ ok: true, message: 'Done: Go to with the container.' });
    expect(lab.view('function', { address: '0000:01:00.0' })?.interrupts.active).toBe('msix');
  });

  it.each([1, 2])('version %i is written as the newest and read back the same', (version) => {
    const contents = readDocument(golden(version));
    const text = serializeDocument(contents);
    expect(text.split('\n')[0]).toBe(JSON.stringify({ format: FORMAT }));
    expect(readDocument(text)).toEqual(contents);
  });
});

describe('a document that cannot be read', () => {
  const [header, machine, ...steps] = golden(2).trimEnd().split('\n');
  const made = (...lines: (string | undefined)[]): string => `${lines.join('\n')}\n`;
  it.each([
    [1, 'of a newer version', made(`{"format":"vfiolab/${VERSION + 1}"}`, 'whatever that will be'), /newer version/],
    [1, 'of version 0', made('{"format":"vfiolab/0"}', machine), /reads vfiolab\/1 to/],
    [2, 'without its machine', made(header), /machine is missing/],
    [2, 'with null for a machine', made(header, 'null'), /machine cannot be read/],
    [3, 'cut off in a step', made(header, machine, steps[0]?.slice(0, 80)), /damaged or cut off/],
    [3, 'with a step of no kind', made(header, machine, '{"what":1}'), /cannot be read/],
    [3, 'that goes on from what is not there', made(header, machine, '{"label":"x","inputs":[],"from":7}'), /missing/],
    [3, 'whose head is not there', made(header, machine, '{"head":2}'), /missing/],
    [4, 'whose head is not on the way ahead', made(header, machine, steps[0], '{"head":1,"ahead":0}'), /missing/],
    [3, 'that takes back nothing', made(header, machine, '{"undo":true}'), /missing/],
  ])('line %i, %s', (line, _, text, reason) => {
    const { lab, result } = open(text);
    expect(result).toMatchObject({ ok: false, file: 'a.vfiolab', line });
    expect(result.ok ? '' : result.message).toMatch(reason);
    expect(lab.view('machine', null).document.title).not.toBe('a.vfiolab');
  });

  it('names the step that cannot be made', () => {
    const odd = '{"label":"Odd","inputs":[{"kind":"spawn","pid":1,"parent":1,"name":"x","uid":0}]}';
    expect(open(made(header, machine, odd)).result).toMatchObject({ ok: false, message: /Step 1 \(Odd\)/ });
  });

  it.each([
    ['{"op":"frobnicate"}', /inputs\.0\.operation\.op: /],
    ['{"op":"open","path":null}', /inputs\.0\.operation\.path: .*expected string/],
    ['{"op":"pread","fd":3,"offset":0,"size":-1}', /operation\.size: /],
    ['{"op":"read","fd":3,"size":9007199254740992}', /operation\.size: /],
    ['{"op":"wait","ms":1e300}', /operation\.ms: /],
    ['{"op":"pwrite","fd":3,"offset":0,"hex":"0"}', /operation\.hex: is no hex/],
  ])('with the call %s: says which part of it', (operation, reason) => {
    const step = `{"label":"Odd","inputs":[{"kind":"call","pid":1,"operation":${operation}}]}`;
    expect(open(made(header, machine, step)).result).toMatchObject({ ok: false, line: 3, message: reason });
  });

  it('is refused for whatever damage, and nothing else happens', () => {
    const text = golden(2);
    const lab = Lab.create(headlessHost());
    const before = lab.hash;
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(200), fc.string({ maxLength: 12 }), (at, cut, put) => {
        const damaged = text.slice(0, at) + put + text.slice(at + cut);
        let problem: unknown = null;
        try {
          readDocument(damaged);
        } catch (error) {
          problem = error;
        }
        if (problem !== null) expect(problem).toBeInstanceOf(DocumentError);
        const result = lab.openBytes('a.vfiolab', bytes(damaged), null);
        if (result.ok) lab.openBytes('b.vfiolab', bytes(text), null);
        else expect(result.reason?.length).toBeGreaterThan(5);
      }),
      { numRuns: 60 },
    );
    lab.openSample('workstation');
    expect(lab.hash).toBe(before);
  });
});
