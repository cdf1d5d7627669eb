import { EXTENSION } from '../../uapi/vfio';
import { Type1 } from '../type1/type1';
import type { IommuBackend } from './backend';

/** TYPE1v2: a mapping is removed as a whole; dirty tracking. */
export const type1v2Backend: IommuBackend = {
  name: 'type1v2',
  noiommu: false,
  supports: (extension) => (extension === EXTENSION.TYPE1v2_IOMMU ? 1 : 0),
  open: (_type, _process, context) => new Type1('type1v2', context, { v2: true, nesting: false }),
};
