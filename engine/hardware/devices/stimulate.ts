/** Lets a stimulus happen. */
import { injectError } from '../fabric/inject-error';
import { pressButton, setLink } from '../hot-plug';
import type { HardwareMachine } from '../machine';
import type { PciFunction } from '../pci/function';
import { ActingDevice } from './acting-device';
import { stimulusOf } from './common-stimuli';
import type { DeviceEnvironment } from './environment';
import type { Stimulated, Stimulus, StimulusAction } from './stimulus';
import { bytesOf, isStimulated, stimulusProblem } from './stimulus';

/** What a stimulus brought: bytes that a read found, null for others. Or why it could not happen. */
export type StimulusResult = { readonly hex: string | null; readonly complete: boolean } | { readonly problem: string };

const HAPPENED: StimulusResult = { hex: null, complete: true };
const NS_PER_US = 1000;

function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/**
 * Lets it happen as often as it says; `pass` lets the machine's time go by. Everything is checked before anything
 * happens.
 */
export function stimulate(
  machine: HardwareMachine,
  fn: PciFunction,
  stimulus: Stimulus,
  pass: (ns: bigint) => void,
): StimulusResult {
  const environment = machine.surroundings;
  if (environment === null) return { problem: 'The machine is off.' };
  const kind = stimulusOf(fn, stimulus.kind);
  if (kind === null) return { problem: `${fn.name} has no stimulus ${stimulus.kind}.` };
  const problem = stimulusProblem(kind, stimulus);
  if (problem !== null) return { problem };
  const { model } = fn;
  const own = isStimulated(model) && model.stimuli.some((kind) => kind.kind === stimulus.kind) ? model : null;
  const { count = 1, everyUs = 0 } = stimulus;
  const pause = BigInt(Math.round(everyUs * NS_PER_US));
  let result: StimulusResult = HAPPENED;
  for (let i = 0; i < count; i++) {
    if (i > 0 && pause > 0n) pass(pause);
    result = own === null ? once(machine, fn, stimulus, environment) : asked(own, stimulus);
    // What happened before has happened: the storm ends here.
    if ('problem' in result) return i === 0 ? result : HAPPENED;
  }
  return result;
}

function asked(model: Stimulated, action: StimulusAction): StimulusResult {
  const problem = model.stimulate(action);
  return problem === null ? HAPPENED : { problem };
}

function once(
  machine: HardwareMachine,
  fn: PciFunction,
  action: StimulusAction,
  environment: DeviceEnvironment,
): StimulusResult {
  switch (action.kind) {
    case 'interrupt':
      if (action.vector !== null) environment.interrupts.raiseVector(fn, action.vector);
      else pulsePin(fn, environment);
      return HAPPENED;
    case 'link':
      setLink(fn, action.up, environment.interrupts);
      return HAPPENED;
    case 'button':
      pressButton(fn, environment.interrupts);
      return HAPPENED;
    case 'error':
      injectError(machine, fn, action.error, environment.interrupts);
      return HAPPENED;
    case 'dma':
      return roam(fn, action, environment);
    case 'msi':
      environment.interrupts.sendMessage(fn, BigInt(action.address), action.data);
      return HAPPENED;
    case 'register':
      return touch(fn, action);
    default:
      return { problem: `${fn.name} has no stimulus ${action.kind}.` };
  }
}

/** There is no cause to withdraw: the pin is a pulse, or stays where the model holds it. */
function pulsePin(fn: PciFunction, { interrupts }: DeviceEnvironment): void {
  interrupts.setIntx(fn, true);
  interrupts.setIntx(fn, fn.model instanceof ActingDevice && fn.model.drivesPin);
}

/** `complete`: every byte got where it should. */
function roam(
  fn: PciFunction,
  { direction, address, length, hex }: StimulusAction & { kind: 'dma' },
  { dma }: DeviceEnvironment,
): StimulusResult {
  if (direction === 'write') return { hex: null, complete: dma.write(fn, BigInt(address), bytesOf(hex)) };
  const into = new Uint8Array(length);
  const complete = dma.read(fn, BigInt(address), into);
  return { hex: hexOf(into), complete };
}

function touch(
  fn: PciFunction,
  { region, offset, width, value }: StimulusAction & { kind: 'register' },
): StimulusResult {
  const { model } = fn;
  const size = model?.regionSize(region) ?? 0;
  if (model === null || size === 0) return { problem: `${fn.name} has no BAR ${region}.` };
  if (offset % width !== 0) return { problem: `An access of ${width} bytes is at a multiple of ${width}.` };
  if (offset + width > size) return { problem: `BAR ${region} of ${fn.name} has ${size} bytes.` };
  if (value !== null) {
    const wide = BigInt.asUintN(8 * width, BigInt(value));
    model.write(region, offset, width, width === 8 ? wide : Number(wide));
    return HAPPENED;
  }
  const found = BigInt(model.read(region, offset, width));
  const bytes = new Uint8Array(width);
  for (let i = 0; i < width; i++) bytes[i] = Number((found >> BigInt(8 * i)) & 0xffn);
  return { hex: hexOf(bytes), complete: true };
}
