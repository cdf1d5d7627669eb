/** Validators for everything the renderer sends: main trusts nothing that comes over the bridge. */
import { z } from 'zod';
import { editSchema } from '../../engine/lab/document/edit-schema';
import { stimulusSchema } from '../../engine/lab/document/stimulus-schema';
import type { Requests, RequestName, TerminalInput, ViewRequest } from './channels';
import type { Action, MenuItem, MenuModel, ViewName, Views } from './contract';
import { settingsPatch } from '../settings';

const LONGEST_TEXT = 64 * 1024 * 1024;

const address = z.string().regex(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i);
const name = z.string().min(1).max(128);
const small = z.int().min(0).max(0xffff_ffff);
const labPath = z.string().startsWith('/').max(4095);
const offset = z.int().min(0).max(0xfff);
const hex = z.string().regex(/^([0-9a-f]{2}){1,8}$/i);
const irqIndex = z.union([z.literal(0), z.literal(1), z.literal(2)]);
const vector = z.int().min(0).max(2047);
const addresses = z.array(address).max(65_536);
/** `0x…`, up to 64 bits. */
const busAddress = z.string().regex(/^0x[0-9a-f]{1,16}$/i);
const descriptor = { pid: small, fd: small };
const mapped = { ...descriptor, ioas: small.nullable(), iova: busAddress, size: busAddress };
const acsChanges = z.array(z.strictObject({ address, control: z.int().min(0).max(0x7f) })).max(65_536);

export const action: z.ZodType<Action> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('bind'), address, driver: name.nullable() }),
  z.strictObject({ kind: z.literal('unbind'), address }),
  z.strictObject({
    kind: z.literal('attach'),
    group: small,
    pid: small.nullable(),
    containerFd: small.nullable(),
  }),
  z.strictObject({ kind: z.literal('detach'), group: small }),
  z.strictObject({ kind: z.literal('enable-vectors'), address, index: irqIndex, count: z.int().min(1).max(2048) }),
  z.strictObject({ kind: z.literal('disable-vectors'), address, index: irqIndex }),
  z.strictObject({ kind: z.literal('mask-vector'), address, index: irqIndex, vector, masked: z.boolean() }),
  z.strictObject({ kind: z.literal('fire'), address, vector: vector.nullable() }),
  z.strictObject({ kind: z.literal('stimulate'), stimulus: stimulusSchema }),
  z.strictObject({ kind: z.literal('write-config'), address, offset, hex, as: z.enum(['user', 'root']) }),
  z.strictObject({ kind: z.literal('reset'), address }),
  z.strictObject({ kind: z.literal('edit-hardware'), address, offset, hex }),
  z.strictObject({ kind: z.literal('edit'), edit: editSchema }),
  z.strictObject({ kind: z.literal('set-acs'), changes: acsChanges, rescan: addresses.optional() }),
  z.strictObject({ kind: z.literal('rescan'), addresses }),
  z.strictObject({ kind: z.literal('set-vfs'), address, count: z.int().min(0).max(0xffff) }),
  z.strictObject({ kind: z.literal('reboot'), cmdline: z.string().max(4096).nullable() }),
  z.strictObject({ kind: z.literal('write-file'), path: labPath, text: z.string().max(LONGEST_TEXT) }),
  z.strictObject({ kind: z.enum(['open-container', 'open-iommufd']), pid: small.nullable() }),
  z.strictObject({ kind: z.literal('set-iommu'), ...descriptor, type: z.enum(['type1', 'type1v2']) }),
  z.strictObject({ kind: z.literal('get-device'), address, pid: small, group: small }),
  z.strictObject({ kind: z.literal('bind-iommufd'), address, ...descriptor }),
  z.strictObject({ kind: z.enum(['alloc-ioas', 'close']), ...descriptor }),
  z.strictObject({ kind: z.literal('attach-iommufd'), group: small, ...descriptor }),
  z.strictObject({ kind: z.literal('alloc-hwpt'), ...descriptor, device: small, ioas: small }),
  z.strictObject({ kind: z.literal('attach-pt'), address, pt: small }),
  z.strictObject({ kind: z.literal('detach-pt'), address }),
  z.strictObject({ kind: z.literal('destroy-object'), ...descriptor, id: small }),
  z.strictObject({ kind: z.literal('map'), ...mapped, rights: z.enum(['read', 'write', 'read and write']) }),
  z.strictObject({ kind: z.literal('unmap'), ...mapped }),
  z.strictObject({ kind: z.literal('wait'), ms: z.int().min(0).max(86_400_000) }),
]);

const none = z.tuple([]);
const colour = z.string().regex(/^#[0-9a-f]{6}$/i);

export const requests: { [Name in RequestName]: z.ZodType<Requests[Name]['parameters']> } = {
  act: z.tuple([action]),
  undo: none,
  redo: none,
  look: z.tuple([small.nullable()]),
  continueHere: none,
  goToBranch: z.tuple([small]),
  nameBranch: z.tuple([small, z.string().max(200)]),
  samples: none,
  openSample: z.tuple([name]),
  openText: z.tuple([z.string().max(LONGEST_TEXT)]),
  open: z.tuple([
    z.union([
      z.null(),
      z.strictObject({ path: z.string().min(1).max(8192) }),
      z.strictObject({ name: z.string().max(1024), bytes: z.instanceof(Uint8Array<ArrayBuffer>) }),
    ]),
  ]),
  save: z.tuple([z.boolean()]),
  revert: none,
  newMachine: none,
  openLesson: z.tuple([name]),
  answer: z.tuple([name, z.int().min(0).max(63)]),
  restartStep: z.tuple([z.int().min(0).max(999).nullable()]),
  lessonPicture: z.tuple([name]),
  exportAs: z.tuple([z.enum(['snapshot', 'hex-dump', 'sysfs', 'trace', 'report-md', 'report-html'])]),
  savePicture: z.tuple([
    z.string().max(256),
    z.enum(['svg', 'png']),
    z.instanceof(Uint8Array<ArrayBuffer>).refine((bytes) => bytes.length <= LONGEST_TEXT),
  ]),
  programText: z.tuple([z.enum(['c', 'shell']), z.union([small, z.strictObject({ step: small })])]),
  recentFiles: none,
  openRecent: z.tuple([z.string().min(1).max(8192)]),
  forgetRecent: none,
  changeSettings: z.tuple([settingsPatch]),
  layout: none,
  keepLayout: z.tuple([z.string().max(20_000)]),
  paintFrame: z.tuple([colour, colour]),
  newWindow: none,
  closeWindow: none,
  quit: none,
  toggleFullScreen: none,
  collectScript: none,
  clipboard: none,
  about: none,
};

export const isRequestName = (value: unknown): value is RequestName =>
  typeof value === 'string' && Object.hasOwn(requests, value);

const one = z.strictObject({ address });
const viewParameters: { [V in ViewName]: z.ZodType<Views[V]['parameters']> } = {
  machine: z.null(),
  topology: z.null(),
  function: one,
  config: one,
  pair: z.strictObject({ a: address, b: address }),
  containers: z.null(),
  calls: z.null(),
  timeline: z.strictObject({
    axis: z.enum(['time', 'inputs']),
    range: z.tuple([z.number(), z.number()]).nullable(),
    columns: z.int().min(1).max(8192),
    address: address.nullable(),
  }),
  history: z.strictObject({ from: small, count: z.int().min(0).max(500) }),
  accesses: z.strictObject({ address, chosen: small.nullable() }),
  dmesg: z.null(),
  editor: z.null(),
  editable: z.null(),
  file: z.strictObject({ path: labPath }),
  reach: z.null(),
  walk: z.strictObject({ address, iova: busAddress, write: z.boolean() }),
  message: z.strictObject({ address, to: busAddress, data: z.int().min(0).max(0xffffffff) }),
  'config-way': z.strictObject({ address, register: z.int().min(0).max(0xfff) }),
  transactions: z.strictObject({ address: address.nullable(), limit: z.int().min(1).max(4096) }),
  transaction: z.strictObject({ sequence: z.int().min(0) }),
  iommu: one,
  parts: z.null(),
  places: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('part'), part: name }),
    z.strictObject({ kind: z.literal('functions'), addresses, copy: z.boolean().optional() }),
    z.strictObject({
      kind: z.literal('copies'),
      title: z.string().max(1024),
      places: z.array(z.string().max(16)).max(8),
      count: small,
    }),
  ]),
  editing: one,
  clip: z.strictObject({ addresses }),
  'what-if': z.strictObject({ changes: acsChanges }),
  'what-if-edit': z.strictObject({ edit: editSchema }),
  rules: z.strictObject({ own: name.nullable().optional(), other: name.nullable() }),
  lesson: z.null(),
  lessons: z.null(),
  stimuli: one,
};

const viewRequestShape = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('subscribe'),
    id: small,
    view: z.string().refine((view): view is ViewName => Object.hasOwn(viewParameters, view)),
    parameters: z.unknown(),
  }),
  z.strictObject({ kind: z.literal('unsubscribe'), id: small }),
]);

export function parseViewRequest(data: unknown): ViewRequest {
  const request = viewRequestShape.parse(data);
  if (request.kind === 'unsubscribe') return request;
  return { ...request, parameters: viewParameters[request.view].parse(request.parameters) };
}

const text = z.string().max(256);
const menuItem: z.ZodType<MenuItem> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('separator') }),
  z.strictObject({
    kind: z.literal('command'),
    id: text,
    label: text,
    keys: text,
    off: text.nullable(),
    checked: z.boolean().nullable(),
  }),
  z.strictObject({
    kind: z.literal('menu'),
    id: text,
    label: text,
    items: z.lazy(() => z.array(menuItem).max(100)),
  }),
]);
export const menuModel: z.ZodType<MenuModel> = z
  .array(z.strictObject({ id: text, label: text, items: z.array(menuItem).max(100) }))
  .max(20);

const cells = z.int().min(1).max(1000);
export const terminalSize = z.strictObject({ columns: cells, rows: cells });
export const terminalInput: z.ZodType<TerminalInput> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('data'), data: z.string().max(LONGEST_TEXT) }),
  z.strictObject({ kind: z.literal('resize'), columns: cells, rows: cells }),
  z.strictObject({ kind: z.literal('taken'), count: small }),
  z.strictObject({ kind: z.literal('close') }),
]);
export const clipboardText = z.string().max(LONGEST_TEXT);
