import { expect, it } from 'vitest';
import { symbolic } from './symbols';

it('names flags, indexes and what is beyond them', () => {
  const write = 'VFIO_DMA_MAP_FLAG_READ|VFIO_DMA_MAP_FLAG_WRITE';
  expect(symbolic('VFIO_IOMMU_MAP_DMA', 'flags', 3)).toBe(write);
  expect(symbolic('VFIO_IOMMU_MAP_DMA', 'flags', 0x80000003)).toBe(`${write}|0x80000000`);
  expect(symbolic('VFIO_DEVICE_SET_IRQS', 'index', 2)).toBe('VFIO_PCI_MSIX_IRQ_INDEX');
  expect(symbolic('VFIO_DEVICE_FEATURE', 'flags', 0x20003)).toBe(
    'VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY|VFIO_DEVICE_FEATURE_SET',
  );
  expect(symbolic('VFIO_SET_IOMMU', 'arg', 3)).toBe('VFIO_TYPE1v2_IOMMU');
});

it('leaves numbers that have no name', () => {
  for (const [request, field, value] of [
    ['VFIO_IOMMU_MAP_DMA', 'flags', 0],
    ['VFIO_DEVICE_SET_IRQS', 'index', 9],
    ['VFIO_DEVICE_SET_IRQS', 'start', 1],
    ['VFIO_SET_IOMMU', 'arg', -1],
  ] as const) {
    expect(symbolic(request, field, value), `${request} ${field}`).toBeNull();
  }
});
