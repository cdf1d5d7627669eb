import type { StimulusAction } from './stimulus';

/** What happens, as a few words: `packet of 64 bytes to queue 0`. */
export function stimulusText(action: StimulusAction): string {
  switch (action.kind) {
    case 'interrupt':
      return action.vector === null ? 'INTx pin' : `vector ${action.vector}`;
    case 'packet':
      return `packet of ${action.hex.length / 2} bytes to queue ${action.queue}`;
    case 'doorbell':
      return `doorbell ${action.doorbell} rung with ${action.value}`;
    case 'key':
      return `key ${action.key} pressed`;
    case 'link':
      return action.up ? 'link up' : 'link down';
    case 'button':
      return 'attention button';
    case 'error':
      return `error ${action.error}`;
    case 'dma':
      return action.direction === 'read'
        ? `DMA read of ${action.length} bytes at ${action.address}`
        : `DMA write of ${action.hex.length / 2} bytes at ${action.address}`;
    case 'msi':
      return `message ${action.data.toString(16)} to ${action.address}`;
    case 'register': {
      const place = `BAR ${action.region} offset 0x${action.offset.toString(16)}`;
      return action.value === null ? `peek at ${place}` : `poke ${action.value} to ${place}`;
    }
  }
}
