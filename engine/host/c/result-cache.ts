/** Results of compilations that were asked before: same words, same files, same result. */
import { createHash } from 'node:crypto';
import type { CompileJob, CompileResult } from '../../shell/c/host';

const KEPT = 64;

export class ResultCache {
  private readonly results = new Map<string, CompileResult>();
  private readonly run: (job: CompileJob, signal: AbortSignal) => Promise<CompileResult>;

  constructor(run: (job: CompileJob, signal: AbortSignal) => Promise<CompileResult>) {
    this.run = run;
  }

  async compile(job: CompileJob, signal: AbortSignal): Promise<CompileResult> {
    const key = keyOf(job);
    const known = this.results.get(key);
    if (known !== undefined) {
      // The one used last goes last.
      this.results.delete(key);
      this.results.set(key, known);
      return known;
    }
    const result = await this.run(job, signal);
    this.results.set(key, result);
    if (this.results.size > KEPT) this.results.delete(this.results.keys().next().value!);
    return result;
  }
}

function keyOf(job: CompileJob): string {
  const hash = createHash('sha256');
  const add = (part: string | Uint8Array): void => {
    hash.update(`${part.length}:`);
    hash.update(part);
  };
  for (const list of [job.args, job.outputs]) {
    add(String(list.length));
    for (const word of list) add(word);
  }
  for (const path of [...job.files.keys()].sort()) {
    add(path);
    add(job.files.get(path)!);
  }
  return hash.digest('hex');
}
