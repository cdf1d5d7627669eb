/** Asks an installed QEMU, stopped before its first instruction, for the registers that its PCI devices have at power-on. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const QEMU = 'qemu-system-x86_64';
const ECAM = 0xb0000000;
const SLOT = 8;
const BUS = 1;

/** The monitor of a QEMU that never runs. */
class Monitor {
  constructor(args) {
    this.process = spawn(QEMU, [...args, '-S', '-qmp', 'stdio'], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async execute(command, more = {}) {
    this.process.stdin.write(`${JSON.stringify({ execute: command, ...more })}\n`);
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) throw new Error('QEMU has ended');
      const answer = JSON.parse(value);
      if ('return' in answer) return answer.return;
      if ('error' in answer) throw new Error(answer.error.desc);
    }
  }

  say(line) {
    return this.execute('human-monitor-command', { arguments: { 'command-line': line } });
  }

  /** Registers 0 to FF by the ports of PCI. */
  select(bus, slot, register) {
    return this.say(`o /w 0xcf8 0x${((0x80000000 | (bus << 16) | (slot << 11) | register) >>> 0).toString(16)}`);
  }

  async read(bus, slot, register) {
    await this.select(bus, slot, register);
    return Number(/= (0x[0-9a-f]+)/.exec(await this.say('i /w 0xcfc'))[1]);
  }

  async write(bus, slot, register, value) {
    await this.select(bus, slot, register);
    await this.say(`o /w 0xcfc 0x${(value >>> 0).toString(16)}`);
  }

  /** All 4096 bytes, by memory. */
  async all(bus, slot) {
    const text = await this.say(`xp /1024wx 0x${(ECAM + (bus << 20) + (slot << 15)).toString(16)}`);
    const words = [...text.matchAll(/ 0x([0-9a-f]{8})/g)].map((match) => parseInt(match[1], 16));
    if (words.length !== 1024) throw new Error(`${words.length} words of registers`);
    return new Uint8Array(Uint32Array.from(words).buffer);
  }

  end() {
    this.process.kill();
  }
}

/** Rows of `resource` that the BARs of an endpoint decode. */
async function regionsOf(monitor, bus, slot) {
  const sized = async (at, all) => {
    const before = await monitor.read(bus, slot, at);
    await monitor.write(bus, slot, at, all);
    const mask = await monitor.read(bus, slot, at);
    await monitor.write(bus, slot, at, before);
    return BigInt(mask);
  };
  const rows = [];
  for (let index = 0; index < 6; index++) {
    const low = await sized(0x10 + 4 * index, 0xffffffff);
    if (low === 0n) continue;
    const io = (low & 1n) === 1n;
    const wide = !io && (low & 6n) === 4n;
    const flags = io ? 0x40101n : 0x40200n | (low & 0xfn) | (low & 8n ? 0x2000n : 0n) | (wide ? 0x100000n : 0n);
    const high = wide ? await sized(0x14 + 4 * index, 0xffffffff) : 0xffffffffn;
    const mask = (high << 32n) | (low & (io ? 0xfffcn : 0xfffffff0n)) | (io ? 0xffff0000n : 0n);
    rows.push([index, Number((~mask & 0xffffffffffffffffn) + 1n), `0x${flags.toString(16).padStart(16, '0')}`]);
    if (wide) index++;
  }
  const rom = (await sized(0x30, 0xfffff800)) & 0xfffff800n;
  if (rom !== 0n) rows.push([6, Number(0x100000000n - rom), '0x0000000000046200']);
  return rows;
}

/**
 * `{ bytes, regions }` of an endpoint on the root bus, or at the end of a root port's link. Null when this QEMU does not
 * have it, or needs more to make it. Throws when there is no QEMU.
 */
export async function registersAtPowerOn(driver, place) {
  const where =
    place === 'link'
      ? ['-device', `pcie-root-port,id=rp,addr=${SLOT}.0`, '-device', `${driver},bus=rp,addr=0`]
      : ['-device', `${driver},addr=${SLOT}.0`];
  const monitor = new Monitor([
    '-machine',
    'q35',
    '-nodefaults',
    '-display',
    'none',
    '-blockdev',
    'null-co,node-name=disk',
    ...where,
  ]);
  try {
    await monitor.execute('qmp_capabilities');
    await monitor.write(0, 0, 0x60, ECAM + 1);
    const [bus, slot] = place === 'link' ? [BUS, 0] : [0, SLOT];
    if (place === 'link') await monitor.write(0, SLOT, 0x18, (BUS << 16) | (BUS << 8));
    const bytes = await monitor.all(bus, slot);
    if (bytes[0] === 0xff && bytes[1] === 0xff) return null;
    let at = bytes[6] & 0x10 ? bytes[0x34] & 0xfc : 0;
    while (at >= 0x40 && bytes[at] !== 0x10) at = bytes[at + 1] & 0xfc;
    return { bytes: bytes.slice(0, at === 0 ? 256 : 4096), regions: await regionsOf(monitor, bus, slot) };
  } catch (error) {
    if (error.code === 'ENOENT') throw error;
    return null;
  } finally {
    monitor.end();
  }
}
