/** Assignments: plain, appended, of elements and of whole arrays. */
import { calculate as evaluate, expandText, expandWord } from './expand';
import { ShellFailure } from './shell';
import type { Shell } from './shell';
import type { ArrayElement, Assignment, Word } from './syntax';
import type { Variable } from './variables';

/** A value that cannot be calculated ends a shell that reads no prompt. */
function calculate(shell: Shell, text: string): bigint {
  try {
    return evaluate(shell, text);
  } catch (error) {
    if (error instanceof ShellFailure) throw new ShellFailure(error.message, error.status, true);
    throw error;
  }
}

async function indexOf(shell: Shell, name: string, index: Word): Promise<string | number> {
  const text = await expandText(shell, index);
  if (shell.variables.isTable(name)) {
    if (text === '') throw new ShellFailure(`${name}[${index.source}]: bad array subscript`);
    return text;
  }
  if (index.source.trim() === '') throw new ShellFailure(`${name}[${index.source}]: bad array subscript`);
  const at = Number(calculate(shell, text));
  if (at < 0 && at + shell.variables.nextIndex(name) < 0) {
    throw new ShellFailure(`${name}[${index.source}]: bad array subscript`, 1, true);
  }
  return at;
}

/** Assigns; the text that was assigned, null for an array. Throws ShellFailure, ReadonlyFailure. */
export async function assign(shell: Shell, assignment: Assignment, local = false): Promise<string | null> {
  const { variables } = shell;
  const { name, append, value } = assignment;
  if ('elements' in value) {
    await assignArray(shell, name, value.elements, append, local);
    return null;
  }
  const variable = variables.find(name);
  const joined = (old: string, text: string): string => {
    if (!variable?.integer) return append ? old + text : text;
    return String((append ? calculate(shell, old) : 0n) + calculate(shell, text));
  };
  const text = await expandText(shell, value, true);
  if (assignment.index) {
    const key = await indexOf(shell, name, assignment.index);
    variables.setElement(name, key, joined(variables.element(name, key) ?? '', text));
  } else {
    const whole = joined(append ? (variables.get(name) ?? '') : '', text);
    if (local) variables.setLocal(name, whole);
    else variables.set(name, whole);
  }
  if (shell.option('allexport')) variables.declare(name, false).exported = true;
  return text;
}

async function assignArray(
  shell: Shell,
  name: string,
  elements: readonly ArrayElement[],
  append: boolean,
  local: boolean,
): Promise<void> {
  const { variables } = shell;
  const variable = variables.find(name);
  const table = variables.isTable(name);
  const number = (text: string): string => (variable?.integer ? String(calculate(shell, text)) : text);
  const entries: [string | number, string][] = [];
  let at = append ? variables.nextIndex(name) : 0;
  for (const element of elements) {
    if (element.index) {
      const key = await indexOf(shell, name, element.index);
      const text = await expandText(shell, element.value, true);
      const old = element.append
        ? (entries.findLast((entry) => entry[0] === key)?.[1] ?? variables.element(name, key))
        : '';
      entries.push([key, number((old ?? '') + text)]);
      if (typeof key === 'number') at = key + 1;
      continue;
    }
    const fields: string[] = [];
    if (table) fields.push(await expandText(shell, element.value));
    else await expandWord(shell, element.value, fields);
    for (const field of fields) {
      entries.push([at, number(field)]);
      at += 1;
    }
  }
  if (local) variables.declare(name, true);
  if (!table) {
    if (!append) variables.setList(name, []);
    else if (!variables.isArray(name)) variables.setList(name, variables.elements(name));
    for (const [key, text] of entries) variables.setElement(name, key, text);
    return;
  }
  if (!append) variables.find(name)!.table = new Map();
  if (elements.every((element) => !element.index)) {
    // Without subscripts they are pairs: key, value, key, value.
    for (let i = 0; i < entries.length; i += 2) variables.setElement(name, entries[i]![1], entries[i + 1]?.[1] ?? '');
    return;
  }
  for (const [key, text] of entries) {
    const element = elements.find((one) => !one.index);
    if (typeof key === 'number' && element) {
      await shell.complain(`${name}: ${element.value.source}: must use subscript when assigning associative array`);
    } else variables.setElement(name, String(key), text);
  }
}

/** Puts a variable back as it was before a command's own assignment. */
export function restore(shell: Shell, name: string, before: Variable | null): void {
  if (!before) shell.variables.unset(name);
  else Object.assign(shell.variables.declare(name, false), before);
}
