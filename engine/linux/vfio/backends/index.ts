import type { IommuBackend } from './backend';
import { nestingBackend } from './nesting';
import { type1Backend } from './type1';
import { type1v2Backend } from './type1v2';

/** What module vfio_iommu_type1 registers. */
export const TYPE1_BACKENDS: readonly IommuBackend[] = [type1Backend, type1v2Backend, nestingBackend];

export { noiommuBackend } from './noiommu';
