/** The shape of a stimulus in a document. What a device makes of its values is decided when it happens. */
import { z } from 'zod';
import { STIMULUS_LIMITS } from '../../hardware/devices/stimulus';

const repeated = {
  device: z.string().max(16),
  count: z.number().int().min(1).max(STIMULUS_LIMITS.count).optional(),
  everyUs: z.number().min(0).max(STIMULUS_LIMITS.everyUs).optional(),
};
const number = z.string().regex(/^0x[0-9a-f]{1,16}$/i, 'is no 0x… number');
const bytes = z
  .string()
  .max(0x10000)
  .regex(/^(?:[0-9a-f]{2})*$/i, 'is no hex');
const count = z.number().int().min(0);

export const stimulusSchema = z.discriminatedUnion('kind', [
  z.object({ ...repeated, kind: z.literal('interrupt'), vector: count.nullable() }),
  z.object({ ...repeated, kind: z.literal('packet'), hex: bytes, queue: count }),
  z.object({ ...repeated, kind: z.literal('doorbell'), doorbell: count, value: count }),
  z.object({ ...repeated, kind: z.literal('key'), key: z.string().max(32) }),
  z.object({ ...repeated, kind: z.literal('link'), up: z.boolean() }),
  z.object({ ...repeated, kind: z.literal('button') }),
  z.object({ ...repeated, kind: z.literal('error'), error: z.string().max(32) }),
  z.object({
    ...repeated,
    kind: z.literal('dma'),
    direction: z.enum(['read', 'write']),
    address: number,
    length: count,
    hex: bytes,
  }),
  z.object({ ...repeated, kind: z.literal('msi'), address: number, data: count }),
  z.object({
    ...repeated,
    kind: z.literal('register'),
    region: count,
    offset: count,
    width: z.union([z.literal(1), z.literal(2), z.literal(4), z.literal(8)]),
    value: number.nullable(),
  }),
]);
