import { EXTENSION } from '../../uapi/vfio';
import { Type1 } from '../type1/type1';
import type { IommuBackend } from './backend';

/** TYPE1_NESTING: offered, but neither VT-d nor AMD-Vi accepts it when a group is attached. */
export const nestingBackend: IommuBackend = {
  name: 'type1-nesting',
  noiommu: false,
  supports: (extension) => (extension === EXTENSION.TYPE1_NESTING_IOMMU ? 1 : 0),
  open: (_type, _process, context) => new Type1('type1-nesting', context, { v2: true, nesting: true }),
};
