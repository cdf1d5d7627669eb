/** A shell on a machine whose programs in C run, for tests: what is printed, and the machine with its journal. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineDescription } from '../../hardware/description';
import { History } from '../../lab/journal';
import type { Lab } from '../../lab/lab';
import { LabUserSpace } from '../../lab/user-space';
import type { MachineDoor } from '../../lab/user-space';
import { runScript } from '../../shell/session';
import { BytesReader, BytesWriter, NULL_READER } from '../../shell/streams';
import type { ByteReader, ByteWriter } from '../../shell/streams';
import { doorOf } from '../shell';
import { readMachine } from '../machines';
import { dirname } from '../files';
import { samplesFolder } from '../samples';

export const programsFolder = join(dirname(samplesFolder()), 'programs');
export const programText = (name: string): string => readFileSync(join(programsFolder, name), 'utf8');

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export class CBench {
  readonly history: History;
  readonly system: LabUserSpace;
  private readonly command = { current: { label: 'test' } };

  constructor(description: MachineDescription, door?: MachineDoor) {
    this.history = History.of(description);
    const { command } = this;
    const through = door ?? doorOf(this.history);
    this.system = new LabUserSpace(through, { pid: 1000, parent: null, name: 'bash', uid: 0, command });
  }

  /** A shell on the machine that a lab has open. */
  static in(lab: Lab): CBench {
    return new CBench(lab.machine.base, lab);
  }

  /** A recorded machine by the name of its file. */
  static of(name: string, folder = samplesFolder()): CBench {
    return new CBench(readMachine(join(folder, `${name}.machine.json.gz`)));
  }

  /** `interruptAt`: Ctrl-C once this was printed, and until then nothing to read. `onPrinted`: at the first output. */
  async run(
    source: string,
    options: { input?: string; interruptAt?: string; onPrinted?: () => unknown } = {},
  ): Promise<Ran> {
    this.command.current = { label: source.slice(0, 40) };
    const [out, stderr] = [new BytesWriter(), new BytesWriter()];
    const { input, interruptAt } = options;
    const silent: ByteReader = {
      read: () => new Promise(() => undefined),
      unread: () => undefined,
      close: () => undefined,
    };
    const stdin = input !== undefined ? new BytesReader(input) : interruptAt !== undefined ? silent : NULL_READER;
    const interrupt = new AbortController();
    const stdout: ByteWriter = {
      write: async (bytes) => {
        await out.write(bytes);
        if (out.bytes.length === bytes.length) setTimeout(() => options.onPrinted?.(), 20);
        if (interruptAt !== undefined && out.text.includes(interruptAt)) {
          setTimeout(() => interrupt.abort(), 20);
        }
      },
      close: () => undefined,
    };
    const { signal } = interrupt;
    const status = await runScript(this.system, source, { stdin, stdout, stderr, signal });
    return { status, out: out.text, err: stderr.text };
  }

  /** Compiles a text and runs it with the words behind it. */
  async program(text: string, words = ''): Promise<Ran> {
    const compiled = await this.compile(text, 'test');
    return compiled.status === 0 ? this.run(`./test ${words}`) : compiled;
  }

  async compile(text: string, name: string, flags = '-Wall -Wextra'): Promise<Ran> {
    await this.run(`cat > ${name}.c`, { input: text });
    return this.run(`cc ${flags} ${name}.c -o ${name}`);
  }
}
