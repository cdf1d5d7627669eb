import { ERRNO } from '../../errno';
import { EXTENSION } from '../../uapi/vfio';
import { Type1 } from '../type1/type1';
import type { IommuBackend } from './backend';

/** TYPE1: lenient unmap, no dirty tracking. */
export const type1Backend: IommuBackend = {
  name: 'type1',
  noiommu: false,
  supports: (extension) => (extension === EXTENSION.TYPE1_IOMMU || extension === EXTENSION.UNMAP_ALL ? 1 : 0),
  open(type, _process, context) {
    // UNMAP_ALL is an extension that a type check lets through, but no type.
    if (type !== EXTENSION.TYPE1_IOMMU) {
      return context.why.refuse(
        ERRNO.EINVAL,
        'vfio.container.type',
        `${type} names an extension of type1, not an IOMMU type.`,
        'Use VFIO_SET_IOMMU with TYPE1v2 (3).',
      );
    }
    return new Type1('type1', context, { v2: false, nesting: false });
  },
};
