/** vitest's global setup: what programs in C need, built when a source is newer. */
export { buildC as setup } from './c.mjs';
