/** The topology as a picture in a file. */
import { useDocuments } from '../../stores/documents';
import { useMachine } from '../../stores/machine';
import { useMessages } from '../../stores/messages';
import { rasterized, topologyPicture } from '../../panes/topology/picture';
import { T } from '../../texts';
import { hexColour } from '../../ui/colour';
import { commandsOf, type Command } from '../command';

const FORMATS = ['svg', 'png'] as const;
const PNG_SCALE = 2;

export function pictureCommands(): Command[] {
  const documents = useDocuments();
  const machine = useMachine();
  const messages = useMessages();
  const { list, add } = commandsOf(T.command.groups.file, 'export');
  const empty = (machine.topology?.functions.length ?? 0) === 0 ? T.command.emptyMachine : null;
  async function save(format: (typeof FORMATS)[number]): Promise<void> {
    const view = machine.topology;
    if (!view) return;
    const title = machine.machine?.document.title ?? T.app;
    const style = getComputedStyle(document.documentElement);
    const token = (name: string): string => hexColour(style.getPropertyValue(name)) ?? 'currentColor';
    try {
      const svg = topologyPicture(view, title, token);
      const bytes = format === 'svg' ? new TextEncoder().encode(svg) : await rasterized(svg, PNG_SCALE);
      await documents.savePicture(title.replace(/\.vfiolab$/, ''), format, bytes);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      messages.show({ kind: 'bad', what: T.exporting.noPicture, why, remedy: null, next: [] });
    }
  }
  for (const format of FORMATS)
    add(`picture-${format}`, T.exporting.picture(format.toUpperCase()), () => void save(format), { off: empty });
  return list;
}
