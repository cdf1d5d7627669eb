/** The shape of an edit, in a document and from the window. What the machine makes of it is decided when it is applied. */
import { z } from 'zod';
import { ACS_SERVICES } from '../../hardware/parts/capabilities';
import type { TopologyEdit } from '../input';
import { descriptionSchema, functionSchema } from './description-schema';

const address = z.string().regex(/^[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/, 'is no PCI address');
const rootBus = z.string().max(64);
const device = z.number().int().min(0).max(31);
const segment = z.number().int().min(0).max(0xffff);
const bus = z.number().int().min(0).max(255);

const strapValue = z.union([z.number(), z.boolean(), z.string().max(256), z.array(z.string().max(256)).max(64)]);
const straps = z.record(z.string().max(64), strapValue);

const place = z.object({
  parent: address.nullable(),
  rootBus: rootBus.optional(),
  device: device.optional(),
  root: z.object({ segment, bus }).optional(),
});

const MOST = 65_536;
const clip = z.object({
  tops: z.array(address).max(MOST),
  kinds: z.array(z.enum(['machine', 'root', 'link', 'switch', 'shared'])).max(MOST),
  functions: z.array(functionSchema).max(MOST),
  poweredOn: z.boolean(),
});

const singles = [
  z.object({ kind: z.literal('replace'), description: descriptionSchema }),
  z.object({ kind: z.literal('add'), part: z.string().max(64), straps: straps.optional(), at: place.nullable() }),
  z.object({ kind: z.literal('move'), address, to: place }),
  z.object({ kind: z.literal('copy'), addresses: z.array(address).max(MOST), to: place.nullable() }),
  z.object({ kind: z.literal('paste'), clip, to: place.nullable() }),
  z.object({ kind: z.literal('remove'), address }),
  z.object({ kind: z.literal('remove-root'), rootBus }),
  z.object({ kind: z.literal('root'), rootBus, segment, bus }),
  z.object({ kind: z.literal('straps'), address, straps }),
  z.object({ kind: z.literal('acs'), address, services: z.array(z.enum(ACS_SERVICES)).max(ACS_SERVICES.length) }),
  z.object({ kind: z.literal('facing'), address, external: z.boolean() }),
  z.object({ kind: z.literal('label'), address, label: z.string().max(80) }),
  z.object({
    kind: z.literal('config'),
    address,
    offset: z.number().int().min(0).max(0xfff),
    hex: z
      .string()
      .max(8192)
      .regex(/^(?:[0-9a-f]{2})+$/i, 'is no hex'),
  }),
  z.object({ kind: z.literal('iommu'), iommu: descriptionSchema.shape.iommu }),
] as const;
const single = z.discriminatedUnion('kind', singles);

export const editSchema = z.discriminatedUnion('kind', [
  ...singles,
  z.object({ kind: z.literal('several'), edits: z.array(single).max(MOST) }),
]) as unknown as z.ZodType<TopologyEdit>;
