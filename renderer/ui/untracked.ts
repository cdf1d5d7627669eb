import { pauseTracking, resetTracking } from '@vue/reactivity';

/** Reads without becoming dependent on what is read. */
export function untracked<T>(read: () => T): T {
  pauseTracking();
  try {
    return read();
  } finally {
    resetTracking();
  }
}
