/** Exports: the machine as it is now for other programs, and reports. */
import type { Lab } from '../engine/lab/lab';
import type { ExportFormat, FileResult } from './bridge/contract';
import type { Files } from './files';

const KINDS: Readonly<Record<ExportFormat, { extension: string; kind: string }>> = {
  snapshot: { extension: 'machine.json', kind: 'Machine snapshot' },
  'hex-dump': { extension: 'txt', kind: 'Hex dump for lspci -F' },
  sysfs: { extension: 'tar', kind: 'Archive of /sys' },
  trace: { extension: 'trace.jsonl', kind: 'Trace of system calls' },
  'report-md': { extension: 'md', kind: 'Report in Markdown' },
  'report-html': { extension: 'html', kind: 'Report in HTML' },
};

export function exportFile(lab: Lab, files: Files, format: ExportFormat): Promise<FileResult> {
  const { extension, kind } = KINDS[format];
  const title = lab.view('machine', null).document.title.replace(/\.(vfiolab|txt|json|tar|tgz|gz)$/g, '');
  return files.saveAside(title, extension, kind, lab.exportAs(format));
}
