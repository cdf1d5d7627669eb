/** stim and poke at a prompt, on a machine built of parts. */
import { describe, expect, it } from 'vitest';
import { MachineBuilder } from '../../hardware/parts/fixture';
import { doorTo, rootShell } from '../../host/shell';
import type { MachineDoor } from '../../lab/user-space';
import { completions } from '../completion';
import { runScript } from '../session';
import { BytesWriter, NULL_READER } from '../streams';

const EDU = '0000:01:00.0';

function machine(): { door: MachineDoor; run: (script: string) => Promise<{ text: string; status: number }> } {
  const builder = new MachineBuilder();
  builder.behindPort('edu');
  builder.behindPort('lab-nic');
  const door = doorTo(builder.description);
  const system = rootShell(door, 'test');
  return {
    door,
    async run(script) {
      const out = new BytesWriter();
      const status = await runScript(system, script, { stdin: NULL_READER, stdout: out, stderr: out });
      return { text: new TextDecoder().decode(out.bytes), status };
    },
  };
}

describe('stim', () => {
  it('lists what can happen', async () => {
    const { run } = machine();
    expect((await run('stim')).text).toMatch(/^0000:01:00\.0 {2}interrupt dma msi register$/m);
    const { text } = await run('stim 01:00.0');
    expect(text).toContain('dma  Rogue DMA');
    expect(text).toContain('direction=… Direction: read, write, else read');
  });

  it('lets it happen', async () => {
    const { run } = machine();
    expect(await run('stim 01:00.0 vector 0')).toEqual({ text: `${EDU}: vector 0\n`, status: 0 });
    expect(await run('stim 01:00.0 intx')).toEqual({ text: `${EDU}: INTx pin\n`, status: 0 });
    expect(await run('stim 00:01.0 link down')).toEqual({ text: '0000:00:01.0: link down\n', status: 0 });
    const { text, status } = await run('stim 01:00.0 dma write address=0x1000 hex=text:hello');
    expect(text).toContain('DMA write of 5 bytes at 0x1000 — stopped on its way');
    expect(status).toBe(1);
  });

  it('makes a storm of one input, or of pieces', async () => {
    const { run, door } = machine();
    let inputs = 0;
    const { apply } = door;
    door.apply = (input, label, key) => {
      inputs++;
      return apply(input, label, key);
    };
    expect(await run('stim -n 100000 01:00.0 vector 0')).toEqual({
      text: `${EDU}: vector 0, 100000 times\n`,
      status: 0,
    });
    expect(inputs).toBe(1);
    await run('stim -q -n 5000 -i 0.01 01:00.0 vector 0');
    expect(inputs).toBe(4);
  });

  it.each([
    ['stim 01:00.0 dance', 'stim: 0000:01:00.0 has no stimulus dance; there are: interrupt, dma, msi, register'],
    ['stim 09:00.0', 'stim: no such device: 09:00.0'],
    ['stim 01:00.0 vector many', 'stim: Vector is a number, not "many"'],
    ['stim 01:00.0 vector 5000', 'stim: Vector is from 0 to 2047.'],
    ['stim 01:00.0 dma address=here', 'stim: Address is a number like 0x1000, up to 64 bits.'],
    ['stim 01:00.0 dma size=4', 'stim: "size=4" is no parameter of dma; there are: direction, address, length, hex'],
    ['stim 01:00.0 dma write hex=abc', 'stim: Bytes are hex digits, two a byte.'],
    ['stim -n 0 01:00.0 vector 1', 'stim: It happens from 1 to 10000000 times.'],
    ['stim -n 10000000 -i 1000 01:00.0 vector 1', 'stim: All together it takes an hour at most.'],
    ['stim -i soon 01:00.0 vector 1', 'stim: MS is a number'],
  ])('%s is refused with what is wrong', async (line, message) => {
    const { run } = machine();
    const { text, status } = await run(line);
    expect(text).toBe(`${message}\n`);
    expect(status).not.toBe(0);
  });
});

describe('poke', () => {
  it('reads and writes registers, by place', async () => {
    const { run } = machine();
    expect((await run('poke 01:00.0 0:0')).text).toBe('0:0x0000  0x010000ed\n');
    expect((await run('poke 01:00.0 0:4 0x12345678; poke 01:00.0 0:4.l')).text).toBe('0:0x0004  0xedcba987\n');
    expect((await run('poke -n 2 02:00.0 2:0x0c')).text).toBe('2:0x000c  0x00000001\n2:0x0010  0x00000000\n');
  });

  it.each([
    ['poke', 'poke: an address is missing'],
    ['poke 01:00.0 0:0x100000', 'poke: Offset is from 0 to 1048575.'],
    ['poke 01:00.0 1:0', 'poke: BAR is from 0 to 0.'],
    ['poke 01:00.0 0:2', 'poke: An access of 4 bytes is at a multiple of 4.'],
    ['poke 01:00.0 0:0 red', 'poke: "red" is no value; give 12 or 0xc'],
    ['poke 01:00.0 nowhere', 'poke: "nowhere" is no register; give BAR:OFFSET, or a name that poke ADDRESS lists'],
  ])('%s is refused with what is wrong', async (line, message) => {
    const { run } = machine();
    const { text, status } = await run(line);
    expect(text.split('\n')[0]).toBe(message);
    expect(status).not.toBe(0);
  });
});

describe('completion', () => {
  it('offers what can happen to the device', async () => {
    const { door } = machine();
    const system = rootShell(door, 'test');
    const shell = { system, files: { list: () => [EDU] } } as unknown as Parameters<typeof completions>[0];
    expect(completions(shell, 'stim 01:00.0 d').candidates).toEqual(['dma ']);
    expect(completions(shell, 'stim 01:00.0 dma dir').candidates).toEqual(['direction=']);
    expect(completions(shell, 'stim 01:00.0 dma w').candidates).toEqual(['write ']);
  });
});
