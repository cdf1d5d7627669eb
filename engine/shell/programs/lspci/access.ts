/** The PCI access options that lspci and setpci share: `-A`, `-O`, `-H`, `-F`, `-G`. */
import type { FileAccess, PciFunctionInfo } from './source';
import { DumpError, readDump, readSysfsFunctions } from './source';

/** Message of an access that cannot be made, with its newline. */
export class AccessError extends Error {}

/** A list was asked for (`-A help`): the message is its text. */
export class AccessListing extends Error {}

const METHODS = ['linux-sysfs', 'linux-proc', 'dump'];

const PARAMETERS: readonly (readonly [name: string, about: string, value: string])[] = [
  ['dump.name', 'Name of the bus dump file to read from', ''],
  ['sysfs.path', 'Path to the sysfs device tree', '/sys/bus/pci'],
];

const decoder = new TextDecoder();

export class AccessOptions {
  /** Name of the dump to read; null: the machine. */
  dump: string | null = null;
  debug = false;
  private readonly program: string;
  private method = 'linux-sysfs';
  private readonly parameters = new Map(PARAMETERS.map(([name, , value]) => [name, value]));

  constructor(program: string) {
    this.program = program;
  }

  /** Throws AccessError, AccessListing. */
  take(letter: string, value: string): void {
    switch (letter) {
      case 'A':
        return this.takeMethod(value);
      case 'O':
        return this.takeParameter(value);
      case 'F':
        this.parameters.set('dump.name', value);
        return this.takeMethod('dump');
      case 'H':
        throw new AccessError(`${this.program}: Direct hardware access is not possible here.\n`);
    }
  }

  private takeMethod(name: string): void {
    if (name === 'help') {
      throw new AccessListing(`Known PCI access methods:\n\n${METHODS.map((method) => `${method}\n`).join('')}`);
    }
    if (!METHODS.includes(name)) {
      throw new AccessError(`${this.program}: No such PCI access method: ${name} (see \`-A help' for a list)\n`);
    }
    this.method = name;
    this.name();
  }

  private takeParameter(text: string): void {
    if (text === 'help') {
      const rows = PARAMETERS.map(([name, about, value]) => `${name.padEnd(20)} ${about} (${value})\n`);
      throw new AccessListing(`Known PCI access parameters:\n\n${rows.join('')}`);
    }
    const equals = text.indexOf('=');
    if (equals < 0) throw new AccessError(`${this.program}: Invalid PCI access parameter syntax: ${text}\n`);
    const name = text.slice(0, equals);
    if (!this.parameters.has(name)) {
      throw new AccessError(
        `${this.program}: Unrecognized PCI access parameter: ${name} (see \`-O help' for a list)\n`,
      );
    }
    this.parameters.set(name, text.slice(equals + 1));
    this.name();
  }

  private name(): void {
    this.dump = this.method === 'dump' ? this.parameters.get('dump.name')! : null;
  }

  /** Functions in the order in which they are listed, and what `-G` tells. Throws AccessError. */
  read(files: FileAccess): { functions: PciFunctionInfo[]; told: string } {
    if (this.dump === null) {
      const root = this.parameters.get('sysfs.path')!;
      const told = `Trying method linux-sysfs......using ${root}...OK\nDecided to use linux-sysfs\n`;
      return { functions: readSysfsFunctions(files, root), told: this.debug ? told : '' };
    }
    if (this.dump === '') throw new AccessError(`${this.program}: dump: File name not given.\n`);
    const bytes = files.read(this.dump);
    if (!bytes) {
      throw new AccessError(`${this.program}: dump: Cannot open ${this.dump}: No such file or directory\n`);
    }
    try {
      return { functions: readDump(decoder.decode(bytes)), told: this.debug ? 'Decided to use dump\n' : '' };
    } catch (error) {
      if (error instanceof DumpError) throw new AccessError(`${this.program}: dump: ${error.message}\n`);
      throw error;
    }
  }
}
