/** Texts of /proc/<pid> that come from the process itself. */
import { processStatus } from './status';
import type { Task } from './table';

/** Text of one file, null when there is no such file. */
export function processFile(task: Task, file: string): string | null {
  switch (file) {
    case 'status':
      return processStatus(task);
    case 'maps':
      return task.memory.mapsText();
    default:
      return null;
  }
}
