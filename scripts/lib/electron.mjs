/** How the application is started from the checkout. */
import { isRoot, root } from './files.mjs';

/** Chromium refuses to run its sandbox as root; only then it goes without. */
export const sandboxWords = () => (process.platform === 'linux' && isRoot() ? ['--no-sandbox'] : []);

/** Arguments of the runtime: the application, then its own. */
export const applicationWords = (words) => [...sandboxWords(), root, ...words];
