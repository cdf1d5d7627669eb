/** The past: looking at it, going on from it, ways that were left. */
import { count } from '../ui/address';
import { plural } from './plural';

export const past = {
  badge: (input: number, of: number) => `Input ${count(input)} of ${count(of)}`,
  readOnly: 'read-only',
  shows: (input: number, of: number) => `Input ${count(input)} of ${count(of)} is shown, read-only.`,
  live: 'The present is shown.',
  toLive: 'Return to the present',
  continueHere: 'Continue here',
  title: 'Continue from here?',
  what: (input: number) => `The screen shows input ${count(input)}. Looking is free; changing begins a new way.`,
  stays: (later: number, branch: string) =>
    `${plural(later, 'later input')} ${later === 1 ? 'leaves' : 'leave'} this line. ${
      later === 1 ? 'It stays' : 'They stay'
    } in History as ${branch}, and Undo brings ${later === 1 ? 'it' : 'them'} back.`,
  branch: (n: number) => `branch ${n}`,
  terminal: 'The terminal belongs to the present. Return to it, or continue from here.',
} as const;

export const history = {
  region: 'History',
  steps: 'Steps',
  start: 'Start',
  step: (label: string, first: number, last: number) =>
    first === last ? `${label}, input ${count(first)}` : `${label}, inputs ${count(first)} to ${count(last)}`,
  later: 'taken back',
  refused: 'refused',
  here: 'shown',
  current: (name: string) => `On ${name}`,
  branches: 'Ways that were left',
  branchDetail: (steps: number, inputs: number, fork: string | null) =>
    `${plural(steps, 'step')}, ${plural(inputs, 'input')}, from ${fork === null ? 'the start' : `“${fork}”`}`,
  goTo: (name: string) => `Go to ${name}`,
  rename: (name: string) => `Name of ${name}`,
  empty: 'Nothing was done yet. Every step appears here and can be gone back to.',
} as const;
