import type { Task } from './table';

const kib = (pages: number): string => `${String(pages * 4).padStart(8)} kB`;

/** Text of `/proc/<pid>/status`: the lines that this model knows. */
export function processStatus(task: Task): string {
  const ids = (id: number): string => `${id}\t${id}\t${id}\t${id}`;
  const size = kib(task.memory.mappedPages);
  return [
    `Name:\t${task.name}`,
    'Umask:\t0022',
    'State:\tR (running)',
    `Tgid:\t${task.pid}`,
    'Ngid:\t0',
    `Pid:\t${task.pid}`,
    `PPid:\t${task.parent}`,
    'TracerPid:\t0',
    `Uid:\t${ids(task.uid)}`,
    `Gid:\t${ids(task.gid)}`,
    'FDSize:\t64',
    `VmPeak:\t${size}`,
    `VmSize:\t${size}`,
    `VmLck:\t${kib(task.lockedPages)}`,
    `VmPin:\t${kib(task.pinnedPages)}`,
    '',
  ].join('\n');
}
