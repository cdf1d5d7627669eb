/** Lessons from strangers: read, shown, and graded while somebody works. */
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import path from 'node:path';
import { headlessHost } from '../../engine/host/headless';
import { MachineBuilder } from '../../engine/hardware/parts/fixture';
import { Lab } from '../../engine/lab/lab';
import { LessonError } from '../../engine/lab/lessons/lesson';
import { readLesson } from '../../engine/lab/lessons/read';
import { readPartsList } from '../../engine/lab/lessons/parts-list';
import { renderMarkdown } from '../../engine/lab/lessons/markdown';
import { bytes, text } from '../lib/mutate';
import type { Target } from '../lib/target';
import { must, textOf } from '../lib/target';

const WORDS = [
  ...[
    '```check',
    '```question',
    '```hint',
    '```mistake',
    '```solution',
    '```',
    '## ',
    '---',
    '- ',
    '  ',
    'not:',
    'all:',
  ],
  ...[
    'any:',
    'count:',
    'text: ',
    '<script>alert(1)</script>',
    '[x](javascript:alert(1))',
    '![x](../../a.svg)',
    '&x;',
    '*a',
    '&a ',
  ],
  ...[
    '!!js/function',
    '<<: *a',
    '? ',
    '| ',
    '> ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '#',
    '[x](lab:pane/terminal)',
    '<img src=x>',
  ],
];

/** Markup of the lab's own, and what Markdown is made of. */
const ALLOWED =
  /<\/?(?:p|em|strong|code|pre|ul|ol|li|h[1-6]|blockquote|hr|br|table|thead|tbody|tr|th|td|s)\b[^<>]*>|<a href="#" data-lab="[^"<>]*">|<\/a>|<span class="external" title="[^"<>]*">|<span data-picture="[^"<>]*" role="img" aria-label="[^"<>]*">|<\/span>/g;

function checkText(source: string): void {
  const html = renderMarkdown(source);
  const left = html.replaceAll(ALLOWED, '');
  must(!/[<>]/.test(left), `markup of the text's own came through: ${/.{0,40}[<>].{0,40}/.exec(left)?.[0]}`);
  must(!/<\w+[^>]*\son\w+=/i.test(html), 'an event handler came through');
}

const description = new MachineBuilder();
description.behindPort('e1000e');
description.behindPort('edu');

export const lessons: Target = {
  name: 'lessons',
  reaches: ['engine/lab/lessons/', 'engine/lab/views/lesson.ts'],
  seeds: () =>
    readdirSync('labs')
      .map((name) => path.join('labs', name, 'lesson.md'))
      .filter((file) => existsSync(file))
      .map((file) => new Uint8Array(readFileSync(file))),
  mutations: [text(WORDS), text(WORDS), text(WORDS), bytes],
  run: (input) => {
    const source = textOf(input);
    checkText(source);
    let lesson;
    try {
      lesson = readLesson('strange', 'lesson.md', source);
    } catch (error) {
      must(error instanceof LessonError, told(error));
      must(error.line >= 1 && error.message !== '', 'the refusal says nothing');
      return;
    }
    const host = headlessHost();
    const opened = { lesson, machine: description.description, file: () => null };
    const lab = new Lab(
      {
        ...host,
        lessons: { list: () => ({ readable: [lesson], broken: [] }), open: () => opened, openAt: () => opened },
      },
      description.description,
    );
    lab.openLesson('strange');
    const address = [...lab.machine.kernel.pci.devices.keys()].at(-1)!;
    lab.act({ kind: 'bind', address, driver: 'vfio-pci' });
    lab.answer('q', 0);
    lab.act({ kind: 'wait', ms: 1 });
    lab.view('lesson', null);
    lab.restartStep(0);
    lab.view('lessons', null);
    const again = lab.openBytes('way.vfiolab', lab.serialize(), null);
    must(again.ok, `the way through it is refused: ${again.ok ? '' : again.message}`);
  },
  briefly: 80,
};

const told = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

export const partsLists: Target = {
  name: 'parts-lists',
  reaches: ['engine/lab/lessons/parts-list.ts', 'engine/hardware/parts/'],
  seeds: () =>
    readdirSync('labs')
      .map((name) => path.join('labs', name, 'machine.yaml'))
      .filter((file) => existsSync(file))
      .map((file) => new Uint8Array(readFileSync(file))),
  mutations: [text([...WORDS, 'part: ', 'switch', 'root-port', 'ports: 32', 'below:', 'straps:']), bytes],
  run: (input) => {
    try {
      readPartsList('machine.yaml', textOf(input));
    } catch (error) {
      must(error instanceof LessonError, told(error));
    }
  },
  briefly: 150,
};
