/** Documents: open, save, export, close. */
import { lab, type ExportFormat } from '../../bridge';
import { useDock } from '../../stores/dock';
import { useDocuments } from '../../stores/documents';
import { useEditor } from '../../stores/editor';
import { useFrame } from '../../stores/frame';
import { useMachine } from '../../stores/machine';
import { useSettings } from '../../stores/settings';
import { T } from '../../texts';
import { commandsOf, type Command } from '../command';

export const EXPORTS: readonly ExportFormat[] = ['snapshot', 'hex-dump', 'sysfs', 'trace', 'report-md', 'report-html'];

export function fileCommands(): Command[] {
  const documents = useDocuments();
  const dock = useDock();
  const editor = useEditor();
  const frame = useFrame();
  const settings = useSettings();
  const document = useMachine().machine?.document;
  const { list, add } = commandsOf(T.command.groups.file);
  add('new', T.command.newMachine, () => void documents.newMachine(), { icon: 'plus' });
  add('new-window', T.command.newWindow, () => void lab().newWindow(), { icon: 'plus', keys: 'Ctrl Shift N' });
  add('open', T.command.open, () => void documents.open(), { icon: 'dump', keys: 'Ctrl O' });
  for (const { name, path } of documents.recent)
    add(`recent-${path}`, T.command.openRecent(name), () => void documents.openRecent(path), { icon: 'dump' });
  const none = documents.recent.length === 0 ? T.command.noRecent : null;
  add('forget-recent', T.command.forgetRecent, () => void documents.forgetRecent(), { icon: 'close', off: none });
  for (const { id, title } of documents.samples)
    add(`sample-${id}`, T.command.openSample(title), () => void documents.openSample(id), { icon: 'root-complex' });
  add('paste', T.command.paste, () => (frame.overlay = 'paste'), { icon: 'terminal' });
  add('collect-script', T.command.collect, () => (frame.overlay = 'collect'), { icon: 'export' });
  add('save', T.command.save, () => void documents.save(false), { icon: 'export', keys: 'Ctrl S' });
  add('save-as', T.command.saveAs, () => void documents.save(true), { icon: 'export', keys: 'Ctrl Shift S' });
  const editFile = (): void => {
    editor.choosing = true;
    void dock.focus('editor');
  };
  add('edit-file', T.command.editFile, editFile, { icon: 'code' });
  const unsaved = document?.path ? null : T.command.neverSaved;
  add('revert', T.command.revert, () => void documents.revert(), { icon: 'undo', off: unsaved });
  add('autosave', T.command.autosave, () => settings.change({ autosave: !settings.now.autosave }), {
    icon: 'export',
    checked: settings.now.autosave,
  });
  for (const format of EXPORTS)
    add(`export-${format}`, T.exporting.command(format), () => void documents.exportAs(format), { icon: 'export' });
  add('close-window', T.command.closeWindow, () => void lab().closeWindow(), { icon: 'close', keys: 'Ctrl W' });
  add('quit', T.command.quit, () => void lab().quit(), { icon: 'power', keys: 'Ctrl Q' });
  return list;
}
