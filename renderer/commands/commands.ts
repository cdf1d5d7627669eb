/** Every command of the window by name: for the palette, the keys and the menus. */
import { computed, type ComputedRef } from 'vue';
import type { Command } from './command';
import { buildCommands } from './sets/build';
import { editCommands } from './sets/edit';
import { fileCommands } from './sets/file';
import { helpCommands } from './sets/help';
import { lessonCommands } from './sets/lessons';
import { machineCommands, selectedCommands } from './sets/machine';
import { terminalCommands } from './sets/terminal';
import { pictureCommands } from './sets/pictures';
import { viewCommands } from './sets/view';

export type { Command } from './command';

export function useCommands(): ComputedRef<Command[]> {
  return computed(() => [
    ...selectedCommands(),
    ...editCommands(),
    ...fileCommands(),
    ...pictureCommands(),
    ...machineCommands(),
    ...buildCommands(),
    ...viewCommands(),
    ...terminalCommands(),
    ...lessonCommands(),
    ...helpCommands(),
  ]);
}
