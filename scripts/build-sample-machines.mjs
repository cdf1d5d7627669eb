// Makes labs/machines/workstation.json: a machine put together by hand, with made-up data.
// Usage: node scripts/build-sample-machines.mjs
import { writeFileSync } from 'node:fs';

const MEM = 0x200n;
const IO = 0x100n;
const PREFETCH = 0x2000n;
const ALIGNED = 0x40000n;
const WIDE = 0x100000n;
const hex64 = (value) => `0x${BigInt(value).toString(16).padStart(16, '0')}`;
const parse = (address) => {
  const [, bus, device, fn] = /^0000:(..):(..)\.(.)$/.exec(address);
  return { bus: parseInt(bus, 16), device: parseInt(device, 16), fn: Number(fn) };
};

/** One function's registers, built from the parts below. */
class Config {
  constructor(size) {
    this.bytes = new Uint8Array(size);
    this.last = null;
    this.lastExtended = null;
  }
  set(offset, width, value) {
    let rest = BigInt(value);
    for (let i = 0; i < width; i++, rest >>= 8n) this.bytes[offset + i] = Number(rest & 0xffn);
  }
  capability(offset, id) {
    if (this.last === null) {
      this.set(0x34, 1, offset);
      this.bytes[0x06] |= 0x10;
    } else this.set(this.last + 1, 1, offset);
    this.set(offset, 1, id);
    this.last = offset;
  }
  extended(offset, id, version) {
    if (this.lastExtended !== null) {
      this.bytes[this.lastExtended + 2] |= (offset & 0xf) << 4;
      this.bytes[this.lastExtended + 3] = offset >> 4;
    }
    this.set(offset, 4, id | (version << 16));
    this.lastExtended = offset;
  }
}

const parts = {
  pm: (config, at, pme = 0) => {
    config.capability(at, 0x01);
    config.set(at + 2, 2, 0x0003 | (pme << 11));
    config.set(at + 4, 2, 0x0008);
  },
  msi: (config, at, vectors = 0) => {
    config.capability(at, 0x05);
    config.set(at + 2, 2, 0x0080 | (vectors << 1));
  },
  msix: (config, at, vectors, bar, table, pba) => {
    config.capability(at, 0x11);
    config.set(at + 2, 2, vectors - 1);
    config.set(at + 4, 4, table | bar);
    config.set(at + 8, 4, pba | bar);
  },
  ssvid: (config, at, vendor, device) => {
    config.capability(at, 0x0d);
    config.set(at + 4, 2, vendor);
    config.set(at + 6, 2, device);
  },
  /** `type`: device/port type; `speed`: 1 2.5, 2 5, 3 8, 4 16 GT/s. */
  express: (config, at, { type, speed = 3, width = 1, port = 0, slot = null, flr = false, ari = false }) => {
    const isPort = type === 4 || type === 6;
    config.capability(at, 0x10);
    config.set(at + 2, 2, 2 | (type << 4) | (slot === null ? 0 : 0x100));
    config.set(at + 4, 4, 1 | 0x8000 | (flr ? 1 << 28 : 0) | (isPort ? 0 : (2 << 6) | (3 << 9)));
    config.set(at + 8, 2, isPort || type === 5 ? 0x2027 : 0x2810);
    if (type === 9) return;
    config.set(at + 0x0c, 4, speed | (width << 4) | (2 << 10) | (4 << 15) | (isPort ? 0x300000 : 0) | (port << 24));
    config.set(at + 0x10, 2, 0x0040);
    config.set(at + 0x12, 2, speed | (width << 4) | 0x1000 | (isPort ? 0x2000 : 0));
    if (slot !== null) {
      config.set(at + 0x14, 4, (slot << 19) | (75 << 7));
      config.set(at + 0x1a, 2, 0x0040);
    }
    config.set(at + 0x24, 4, 0x1f | (isPort && ari ? 0x20 : 0) | 0x800);
    config.set(at + 0x28, 2, isPort && ari ? 0x20 : 0);
    config.set(at + 0x2c, 4, ((1 << speed) - 1) << 1);
    config.set(at + 0x30, 2, speed);
  },
  aer: (config, at) => {
    config.extended(at, 0x01, 2);
    config.set(at + 0x0c, 4, 0x00462030);
    config.set(at + 0x14, 4, 0x00002000);
    config.set(at + 0x18, 4, 0x000000a0);
  },
  /** `cap` and `control`: the seven bits from Source Validation up. */
  acs: (config, at, cap, control) => {
    config.extended(at, 0x0d, 1);
    config.set(at + 4, 2, cap);
    config.set(at + 6, 2, control);
  },
  dsn: (config, at) => config.extended(at, 0x03, 1),
};

const functions = [];

function add(
  address,
  {
    parent = null,
    vendor,
    device,
    cls,
    rev = 0,
    sub = null,
    size = 4096,
    multi = false,
    bars = [],
    rom = null,
    pin = 0,
    irq = 0,
    driver = null,
    bus = null,
    windows = {},
    reset = '',
    caps = () => {},
  },
) {
  const config = new Config(size);
  const rows = Array.from({ length: bus ? 17 : 13 }, () => [0n, 0n, 0n]);
  config.set(0x00, 2, vendor);
  config.set(0x02, 2, device);
  config.set(0x08, 1, rev);
  config.set(0x09, 3, cls);
  config.set(0x0c, 1, bus || size === 4096 ? 0x10 : 0);
  config.set(0x0e, 1, (bus ? 1 : 0) | (multi ? 0x80 : 0));
  config.set(0x3c, 1, irq ? 0x0b : 0);
  config.set(0x3d, 1, pin);
  let command = driver ? 0x0404 : 0;
  for (const bar of bars) {
    const length = BigInt(bar.size);
    const wide = bar.kind === 'mem64' || bar.kind === 'pref64';
    const bits = bar.kind === 'io' ? 1n : (wide ? 4n : 0n) | (bar.kind === 'pref64' ? 8n : 0n);
    config.set(0x10 + 4 * bar.index, 4, (BigInt(bar.at) & 0xffffffffn) | bits);
    if (wide) config.set(0x14 + 4 * bar.index, 4, BigInt(bar.at) >> 32n);
    const flags =
      (bar.kind === 'io' ? IO : MEM) | bits | ALIGNED | (wide ? WIDE : 0n) | (bar.kind === 'pref64' ? PREFETCH : 0n);
    rows[bar.index] = [BigInt(bar.at), BigInt(bar.at) + length - 1n, flags];
    command |= bar.kind === 'io' ? 1 : 2;
  }
  if (rom) {
    config.set(0x30, 4, rom.at);
    rows[6] = [BigInt(rom.at), BigInt(rom.at + rom.size - 1), 0x46200n];
  }
  if (bus) {
    config.set(0x18, 1, parse(address).bus);
    config.set(0x19, 1, bus[0]);
    config.set(0x1a, 1, bus[1]);
    const io = windows.io ?? [0xf000, 0x0fff];
    config.set(0x1c, 1, (io[0] >> 8) & 0xf0);
    config.set(0x1d, 1, (io[1] >> 8) & 0xf0);
    const mem = windows.mem ?? [0xfff00000, 0x000fffff];
    config.set(0x20, 2, (mem[0] >>> 16) & 0xfff0);
    config.set(0x22, 2, (mem[1] >>> 16) & 0xfff0);
    const pref = (windows.pref ?? [0xfff00000, 0x000fffff]).map(BigInt);
    config.set(0x24, 2, ((pref[0] >> 16n) & 0xfff0n) | 1n);
    config.set(0x26, 2, ((pref[1] >> 16n) & 0xfff0n) | 1n);
    config.set(0x28, 4, pref[0] >> 32n);
    config.set(0x2c, 4, pref[1] >> 32n);
    if (windows.io) rows[13] = [BigInt(io[0]), BigInt(io[1]), IO];
    if (windows.mem) rows[14] = [BigInt(mem[0]), BigInt(mem[1]), MEM];
    if (windows.pref) rows[15] = [...pref, MEM | PREFETCH | WIDE | 1n];
    config.set(0x3e, 2, 0x0002);
    command = 0x0407;
  } else if (sub) {
    config.set(0x2c, 2, sub[0]);
    config.set(0x2e, 2, sub[1]);
  }
  config.set(0x04, 2, command);
  caps(config);
  functions.push({
    address,
    parent,
    rootBus: 'pci0000:00',
    config: Buffer.from(config.bytes).toString('hex'),
    known: null,
    writable: null,
    writeOneToClear: null,
    resources: rows.map((row) => row.map(hex64)),
    driver,
    className: null,
    deviceName: null,
    irq: irq || 0,
    numaNode: -1,
    resetMethod: reset,
    physicalFunction: null,
    sriov: null,
    model: null,
    attributes: {},
  });
}

const BOARD = [0x1043, 0x8694];
const ALL = 0x1f;
const rootPort = (
  address,
  device,
  bus,
  { slot, speed = 3, width = 4, windows, acs = true, port, irq, multi = false },
) =>
  add(address, {
    vendor: 0x8086,
    device,
    cls: 0x060400,
    rev: 0x11,
    bus,
    windows,
    pin: 1,
    irq,
    multi,
    driver: 'pcieport',
    caps: (config) => {
      parts.express(config, 0x40, { type: 4, speed, width, slot, port, ari: true });
      parts.msi(config, 0x80);
      parts.ssvid(config, 0x98, ...BOARD);
      parts.pm(config, 0xa0, 0x19);
      parts.aer(config, 0x100);
      if (acs) parts.acs(config, 0x220, ALL, ALL & ~0x02);
    },
  });
const conventional = (address, device, cls, options = {}) =>
  add(address, { vendor: 0x8086, device, cls, rev: 0x11, sub: BOARD, size: 256, ...options });

conventional('0000:00:00.0', 0x4660, 0x060000);
rootPort('0000:00:01.0', 0x460d, [1, 1], {
  slot: 1,
  speed: 4,
  width: 16,
  port: 2,
  irq: 122,
  windows: { io: [0x3000, 0x3fff], mem: [0x82100000, 0x822fffff], pref: [0x6000000000n, 0x60101fffffn] },
});
rootPort('0000:00:06.0', 0x464d, [2, 2], {
  slot: 2,
  speed: 4,
  width: 4,
  port: 5,
  irq: 123,
  windows: { mem: [0x82300000, 0x823fffff] },
});
conventional('0000:00:14.0', 0x7ae0, 0x0c0330, {
  multi: true,
  pin: 1,
  irq: 124,
  driver: 'xhci_hcd',
  bars: [{ index: 0, kind: 'mem64', at: 0x83000000, size: 0x10000 }],
  caps: (config) => {
    parts.pm(config, 0x70, 0x18);
    parts.msi(config, 0x80, 3);
  },
});
conventional('0000:00:14.2', 0x7aa7, 0x050000, {
  multi: true,
  bars: [
    { index: 0, kind: 'mem64', at: 0x83014000, size: 0x4000 },
    { index: 2, kind: 'mem64', at: 0x83018000, size: 0x1000 },
  ],
  caps: (config) => parts.pm(config, 0x80),
});
conventional('0000:00:17.0', 0x7ae2, 0x010601, {
  pin: 1,
  irq: 125,
  driver: 'ahci',
  bars: [
    { index: 0, kind: 'mem32', at: 0x83010000, size: 0x2000 },
    { index: 1, kind: 'mem32', at: 0x8301a000, size: 0x100 },
    { index: 2, kind: 'io', at: 0x6050, size: 8 },
    { index: 3, kind: 'io', at: 0x6040, size: 4 },
    { index: 4, kind: 'io', at: 0x6020, size: 32 },
    { index: 5, kind: 'mem32', at: 0x83012000, size: 0x800 },
  ],
  caps: (config) => {
    parts.msi(config, 0x80);
    parts.pm(config, 0x70, 0x08);
  },
});
rootPort('0000:00:1a.0', 0x7ac8, [3, 3], {
  slot: 24,
  speed: 2,
  width: 1,
  port: 25,
  irq: 126,
  windows: { mem: [0x82400000, 0x825fffff] },
});
rootPort('0000:00:1b.0', 0x7ab0, [4, 8], {
  slot: 12,
  speed: 3,
  width: 4,
  port: 9,
  irq: 127,
  windows: { pref: [0x6020000000n, 0x60211fffffn] },
});
rootPort('0000:00:1c.0', 0x7ab8, [9, 12], {
  slot: 4,
  speed: 2,
  width: 1,
  port: 1,
  irq: 128,
  windows: { mem: [0x82600000, 0x828fffff] },
  acs: true,
});
rootPort('0000:00:1d.0', 0x7abc, [13, 14], {
  slot: 8,
  speed: 1,
  width: 1,
  port: 5,
  irq: 129,
  windows: { io: [0x4000, 0x5fff], mem: [0x82900000, 0x829fffff] },
});
conventional('0000:00:1f.0', 0x7a84, 0x060100, { multi: true });
conventional('0000:00:1f.3', 0x7ad0, 0x040300, {
  multi: true,
  pin: 1,
  irq: 130,
  driver: 'snd_hda_intel',
  bars: [
    { index: 0, kind: 'mem64', at: 0x6030000000n, size: 0x4000 },
    { index: 4, kind: 'mem64', at: 0x6030100000n, size: 0x100000 },
  ],
  caps: (config) => {
    parts.pm(config, 0x50, 0x18);
    parts.msi(config, 0x60);
  },
});
conventional('0000:00:1f.4', 0x7aa3, 0x0c0500, {
  multi: true,
  pin: 1,
  irq: 16,
  driver: 'i801_smbus',
  bars: [
    { index: 0, kind: 'mem64', at: 0x6030200000n, size: 0x100 },
    { index: 4, kind: 'io', at: 0xefa0, size: 32 },
  ],
});
conventional('0000:00:1f.5', 0x7aa4, 0x0c8000, {
  multi: true,
  bars: [{ index: 0, kind: 'mem32', at: 0xfe010000, size: 0x1000 }],
});

// A graphics card with its sound function: one slot without ACS, therefore one group.
const endpoint = (options) => (config) => {
  parts.pm(config, 0x48, 0x19);
  parts.express(config, 0x64, {
    type: options.type ?? 0,
    speed: options.speed,
    width: options.width,
    flr: options.flr,
  });
  parts.msi(config, 0xa0, options.msi ?? 0);
  if (options.msix) parts.msix(config, 0xc0, ...options.msix);
  parts.aer(config, 0x100);
  if (options.acs) parts.acs(config, 0x2a0, 0, 0);
};
add('0000:01:00.0', {
  parent: '0000:00:01.0',
  vendor: 0x1002,
  device: 0x73bf,
  cls: 0x030000,
  rev: 0xc1,
  sub: [0x1002, 0x0e3a],
  multi: true,
  pin: 1,
  irq: 131,
  driver: 'amdgpu',
  reset: 'bus',
  bars: [
    { index: 0, kind: 'pref64', at: 0x6000000000n, size: 0x10000000 },
    { index: 2, kind: 'pref64', at: 0x6010000000n, size: 0x200000 },
    { index: 4, kind: 'io', at: 0x3000, size: 0x100 },
    { index: 5, kind: 'mem32', at: 0x82100000, size: 0x100000 },
  ],
  rom: { at: 0x82200000, size: 0x20000 },
  caps: endpoint({ type: 1, speed: 4, width: 16, msix: [16, 5, 0xf0000, 0xf8000] }),
});
add('0000:01:00.1', {
  parent: '0000:00:01.0',
  vendor: 0x1002,
  device: 0xab28,
  cls: 0x040300,
  sub: [0x1002, 0xab28],
  multi: true,
  pin: 2,
  irq: 132,
  driver: 'snd_hda_intel',
  reset: 'bus',
  bars: [{ index: 0, kind: 'mem32', at: 0x82220000, size: 0x4000 }],
  caps: endpoint({ type: 1, speed: 4, width: 16 }),
});
add('0000:02:00.0', {
  parent: '0000:00:06.0',
  vendor: 0x144d,
  device: 0xa80a,
  cls: 0x010802,
  sub: [0x144d, 0xa801],
  pin: 1,
  irq: 16,
  driver: 'nvme',
  reset: 'flr bus',
  bars: [{ index: 0, kind: 'mem64', at: 0x82300000, size: 0x4000 }],
  caps: endpoint({ speed: 4, width: 4, flr: true, msi: 5, msix: [33, 0, 0x3000, 0x2000] }),
});
add('0000:03:00.0', {
  parent: '0000:00:1a.0',
  vendor: 0x8086,
  device: 0x15f3,
  cls: 0x020000,
  rev: 0x03,
  sub: BOARD,
  pin: 1,
  irq: 18,
  driver: 'igc',
  reset: 'flr bus',
  bars: [
    { index: 0, kind: 'mem32', at: 0x82400000, size: 0x100000 },
    { index: 3, kind: 'mem32', at: 0x82500000, size: 0x4000 },
  ],
  caps: endpoint({ speed: 2, width: 1, flr: true, msix: [5, 3, 0, 0x2000] }),
});

// A switch whose downstream ports isolate: each network function stands alone.
const switchPort = (
  address,
  parent,
  vendor,
  device,
  bus,
  { type, windows, acs = false, port = 0, slot = null, irq = 0, rev = 0 },
) =>
  add(address, {
    parent,
    vendor,
    device,
    cls: 0x060400,
    rev,
    bus,
    windows,
    pin: irq ? 1 : 0,
    irq,
    driver: 'pcieport',
    caps: (config) => {
      parts.pm(config, 0x40, 0x19);
      parts.msi(config, 0x48);
      parts.express(config, 0x68, { type, speed: 3, width: 4, port, slot, ari: true });
      parts.ssvid(config, 0xa4, vendor, device);
      parts.aer(config, 0x100);
      if (acs) parts.acs(config, 0xf24, ALL, ALL & ~0x02);
    },
  });
switchPort('0000:04:00.0', '0000:00:1b.0', 0x10b5, 0x8747, [5, 8], {
  type: 5,
  rev: 0xca,
  windows: { pref: [0x6020000000n, 0x60211fffffn] },
});
switchPort('0000:05:08.0', '0000:04:00.0', 0x10b5, 0x8747, [6, 6], {
  type: 6,
  rev: 0xca,
  acs: true,
  port: 8,
  slot: 8,
  irq: 133,
  windows: { pref: [0x6020000000n, 0x60208fffffn] },
});
switchPort('0000:05:10.0', '0000:04:00.0', 0x10b5, 0x8747, [7, 8], {
  type: 6,
  rev: 0xca,
  acs: true,
  port: 16,
  slot: 16,
  irq: 134,
  windows: { pref: [0x6021000000n, 0x60211fffffn] },
});
for (const fn of [0, 1]) {
  const base = 0x6020000000n + BigInt(fn) * 0x400000n;
  add(`0000:06:00.${fn}`, {
    parent: '0000:05:08.0',
    vendor: 0x8086,
    device: 0x1572,
    cls: 0x020000,
    rev: 0x02,
    sub: [0x8086, 0x0007],
    multi: true,
    pin: 1,
    irq: 17,
    driver: 'i40e',
    reset: 'flr bus',
    bars: [
      { index: 0, kind: 'pref64', at: base, size: 0x200000 },
      { index: 3, kind: 'pref64', at: base + 0x200000n, size: 0x8000 },
    ],
    // The ACS capability that offers nothing: this function never talks to its sibling, so it stands alone.
    caps: endpoint({ speed: 3, width: 8, flr: true, msix: [129, 3, 0, 0x1000], acs: true }),
  });
}
add('0000:07:00.0', {
  parent: '0000:05:10.0',
  vendor: 0x144d,
  device: 0xa80a,
  cls: 0x010802,
  sub: [0x144d, 0xa801],
  pin: 1,
  irq: 17,
  driver: 'nvme',
  reset: 'flr bus',
  bars: [{ index: 0, kind: 'pref64', at: 0x6021000000n, size: 0x4000 }],
  caps: endpoint({ speed: 3, width: 4, flr: true, msi: 5, msix: [33, 0, 0x3000, 0x2000] }),
});

// A cheap switch without ACS: each port shares a group with what is below it, and the rule does not see that the two
// ports reach each other inside the switch.
switchPort('0000:09:00.0', '0000:00:1c.0', 0x1b21, 0x1184, [10, 12], {
  type: 5,
  windows: { mem: [0x82600000, 0x827fffff] },
});
switchPort('0000:0a:01.0', '0000:09:00.0', 0x1b21, 0x1184, [11, 11], {
  type: 6,
  port: 1,
  irq: 135,
  windows: { mem: [0x82600000, 0x826fffff] },
});
switchPort('0000:0a:03.0', '0000:09:00.0', 0x1b21, 0x1184, [12, 12], {
  type: 6,
  port: 3,
  irq: 136,
  windows: { mem: [0x82700000, 0x827fffff] },
});
add('0000:0b:00.0', {
  parent: '0000:0a:01.0',
  vendor: 0x1b21,
  device: 0x1142,
  cls: 0x0c0330,
  sub: [0x1b21, 0x1142],
  pin: 1,
  irq: 19,
  driver: 'xhci_hcd',
  reset: 'bus',
  bars: [{ index: 0, kind: 'mem64', at: 0x82600000, size: 0x8000 }],
  caps: endpoint({ type: 1, speed: 2, width: 1, msix: [8, 0, 0x2000, 0x2080] }),
});
add('0000:0c:00.0', {
  parent: '0000:0a:03.0',
  vendor: 0x1b21,
  device: 0x1142,
  cls: 0x0c0330,
  sub: [0x1b21, 0x1142],
  pin: 1,
  irq: 16,
  driver: 'xhci_hcd',
  reset: 'bus',
  bars: [{ index: 0, kind: 'mem64', at: 0x82700000, size: 0x8000 }],
  caps: endpoint({ type: 1, speed: 2, width: 1, msix: [8, 0, 0x2000, 0x2080] }),
});

// Conventional PCI behind a bridge: all devices there share the bridge's requester ID.
add('0000:0d:00.0', {
  parent: '0000:00:1d.0',
  vendor: 0x1b21,
  device: 0x1080,
  cls: 0x060401,
  rev: 0x03,
  bus: [14, 14],
  pin: 0,
  windows: { io: [0x4000, 0x5fff], mem: [0x82900000, 0x829fffff] },
  caps: (config) => {
    parts.pm(config, 0x50);
    parts.express(config, 0x80, { type: 7, speed: 1, width: 1 });
    parts.ssvid(config, 0xc0, 0x1b21, 0x1080);
  },
});
add('0000:0e:00.0', {
  parent: '0000:0d:00.0',
  vendor: 0x1102,
  device: 0x0007,
  cls: 0x040100,
  sub: [0x1102, 0x1001],
  size: 256,
  pin: 1,
  irq: 16,
  bars: [{ index: 0, kind: 'io', at: 0x4000, size: 32 }],
  caps: (config) => parts.pm(config, 0xdc),
});
add('0000:0e:01.0', {
  parent: '0000:0d:00.0',
  vendor: 0x10ec,
  device: 0x8139,
  cls: 0x020000,
  rev: 0x10,
  sub: [0x10ec, 0x8139],
  size: 256,
  pin: 1,
  irq: 17,
  driver: '8139too',
  bars: [
    { index: 0, kind: 'io', at: 0x4100, size: 0x100 },
    { index: 1, kind: 'mem32', at: 0x82900000, size: 0x100 },
  ],
  caps: (config) => parts.pm(config, 0x50, 0x1e),
});

const machine = {
  format: 'vfiolab-machine/1',
  name: 'workstation',
  about:
    'A desktop put together by hand: a graphics card with its sound function, NVMe, network cards behind a switch with ACS, USB behind a switch without, and conventional PCI',
  source: 'built',
  booted: true,
  iommu: 'intel-vtd',
  kernel: {
    release: '6.12.117+deb12-amd64',
    build: 'debian',
    cmdline: 'BOOT_IMAGE=/vmlinuz root=/dev/nvme0n1p2 ro quiet intel_iommu=on',
    modules: ['vfio', 'vfio_iommu_type1', 'vfio-pci', 'pci-stub'],
    moduleOptions: {},
    drivers: [
      '8139too',
      'ahci',
      'amdgpu',
      'i40e',
      'i801_smbus',
      'igc',
      'nvme',
      'pci-stub',
      'pcieport',
      'snd_hda_intel',
      'vfio-pci',
      'xhci_hcd',
    ],
  },
  functions,
  recordedGroups: null,
  unknown: [],
};
const rows = functions.map((fn) => `  ${JSON.stringify(fn)}`);
const text = `${JSON.stringify({ ...machine, functions: [] }, null, 1).replace('"functions": []', `"functions": [\n${rows.join(',\n')}\n ]`)}\n`;
writeFileSync(new URL('../labs/machines/workstation.json', import.meta.url), text);
console.log(`workstation: ${functions.length} functions`);
