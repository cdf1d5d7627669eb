/** The one way out of the renderer: what preload put on the window, and its types. */
import type { VfioLabBridge } from '../electron/bridge/contract';

export type * from '../electron/bridge/contract';

/** Looked up at each use, so that tests can put a stand-in on the window before they mount. */
export function lab(): VfioLabBridge {
  return window.vfioLab;
}
