/** The first five minutes, by themselves: for a server without a display. Prints what happens, leaves pictures. */
import { expect } from '@playwright/test';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { launch } from './fixtures/app';
import { view } from './fixtures/engine';
import { Person } from './fixtures/person';

const FOLDER = 'first-five-minutes';
const GPU = '01:00.0';
const GPU_AUDIO = '01:00.1';
const VECTORS = 4;
const FIRED = 2;

const say = (text = ''): void => void process.stdout.write(`${text}\n`);
const indented = (text: string): string => text.replaceAll(/^/gm, '    ');

const files = process.argv.slice(2);
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER);

const lab = await launch({ files });
const person = new Person(lab.app, lab.page);
let pictures = 0;

async function picture(name: string): Promise<void> {
  const file = path.join(FOLDER, `${++pictures}-${name}.png`);
  await lab.page.screenshot({ path: file });
  say(`    (${file})`);
}

/** Rows that fill the terminal's width go on in the next one. */
function unwrapped(text: string): string {
  const rows = text.split('\n');
  const width = Math.max(...rows.map((row) => row.length));
  return rows
    .map((row) => (row.length === width ? row : `${row}\n`))
    .join('')
    .trimEnd();
}

/** Types a command and prints what the terminal answered. */
async function command(line: string, wait: RegExp): Promise<void> {
  await person.clears();
  await person.types(line);
  await person.reads(wait);
  say(indented(unwrapped(await person.terminalText())));
}

async function machine(): Promise<void> {
  await person.seesGroups();
  const state = await view(lab.app, 'machine', null);
  const { groups } = await view(lab.app, 'topology', null);
  say(`The lab opens on ${state.document.title}: ${state.functions} functions in ${state.groups} IOMMU groups.`);
  for (const group of groups.filter((g) => g.hasEndpoint)) say(`    group ${group.id}: ${group.members.join(' ')}`);
}

async function assign(): Promise<void> {
  say(`\nA graphics card shares its group with its sound function: both go to vfio-pci.`);
  for (const short of [GPU, GPU_AUDIO]) await person.binds(short);
  await command(`lspci -nnk -s ${GPU.slice(0, 5)}`, /in use: vfio-pci[\s\S]*in use: vfio-pci/);
  await picture('bound');

  say(`\nTheir group goes to a container. The calls that the button made:`);
  await person.attachesGroupOf(GPU);
  const { calls } = await view(lab.app, 'calls', null);
  const from = calls.findLastIndex((call) => call.text.includes('"/dev/vfio/vfio"'));
  for (const call of calls.slice(Math.max(0, from))) say(`    ${call.text}`);
  await picture('attached');

  say(`\n${VECTORS} MSI-X vectors get an eventfd each; the card fires vector ${FIRED}.`);
  await person.enablesVectors(GPU, VECTORS);
  await person.fires(FIRED);
  await expect(person.countOf(FIRED)).toHaveText('1');
  const shown = await view(lab.app, 'function', { address: `0000:${GPU}` });
  for (const vector of shown?.interrupts.vectors.slice(0, VECTORS) ?? []) {
    say(`    vector ${vector.index}: ${vector.eventfd}, count ${vector.count}, ${vector.state}`);
  }
  say('  The way it took:');
  for (const hop of shown?.interrupts.arrivals.at(-1)?.path ?? []) say(`    ${hop.step}: ${hop.detail}`);
  await command('grep vfio-msix /proc/interrupts', /vfio-msix\[3\]/);
  await picture('interrupt');
}

try {
  await machine();
  await picture('groups');
  if (files.length === 0) await assign();
  const { inputs } = (await view(lab.app, 'machine', null)).document;
  say(`\nEverything above is ${inputs} inputs in the timeline, and can be undone by name.`);
  say(`Screenshots: ${FOLDER}/`);
} catch (error) {
  await picture('stopped');
  say(`\nThe tour stopped: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await lab.close();
}
