/** The code of a thread: it runs one program, or the compiler. Built into one file by scripts/c.mjs. */
import { workerData } from 'node:worker_threads';
import type { ThreadRole } from './messages';
import { serveCompiler } from './thread-compiler';
import { runImage } from './thread-program';

const data = workerData as ThreadRole;
if (data.role === 'program') runImage(data);
else serveCompiler(data);
