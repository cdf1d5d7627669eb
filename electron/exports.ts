/** Exports: the machine as it is now for other programs, and reports. */
import type { Lab } from '../engine/lab/lab';
import type { ExportFormat, FileResult } from './bridge/contract';
import type { Files } from './files';
import { dialogs } from './texts';

const KINDS: Readonly<Record<ExportFormat, { extension: string; kind: string }>> = {
  snapshot: { extension: 'machine.json', kind: dialogs.exports.snapshot },
  'hex-dump': { extension: 'txt', kind: dialogs.exports['hex-dump'] },
  sysfs: { extension: 'tar', kind: dialogs.exports.sysfs },
  trace: { extension: 'trace.jsonl', kind: dialogs.exports.trace },
  'report-md': { extension: 'md', kind: dialogs.exports['report-md'] },
  'report-html': { extension: 'html', kind: dialogs.exports['report-html'] },
};

export function exportFile(lab: Lab, files: Files, format: ExportFormat): Promise<FileResult> {
  const { extension, kind } = KINDS[format];
  const title = lab.view('machine', null).document.title.replace(/\.(vfiolab|txt|json|tar|tgz|gz)$/g, '');
  return files.saveAside(title, extension, kind, lab.exportAs(format));
}
