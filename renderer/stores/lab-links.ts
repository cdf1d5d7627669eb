/**
 * Links of lesson texts to what is on the screen: `function/01:00.0`, `group/13`, `config/01:00.0/004`,
 * `bar/01:00.0/0`, `vector/01:00.0/3`, `iommu/01:00.0`, `pane/terminal`, `step/bind`, `command/lspci -tv`.
 */
import { defineStore } from 'pinia';
import { PANE_NAMES } from '../dock/layout';
import { full } from '../ui/address';
import { useDock } from './dock';
import { useMachine } from './machine';
import { useSelection, type InspectorTab } from './selection';
import { useTyping } from './typing';

export const useLabLinks = defineStore('lab-links', () => {
  const dock = useDock();
  const machine = useMachine();
  const selection = useSelection();
  const typing = useTyping();

  function inspect(name: string, tab: InspectorTab): void {
    selection.select(full(name));
    selection.tab = tab;
    dock.show('inspector');
  }

  /** Shows what a link points at; `step` is given the links to steps. */
  function follow(link: string, step: (id: string) => void): void {
    const [kind = '', name = '', place = ''] = link.split('/');
    switch (kind) {
      case 'function':
        selection.select(full(name));
        break;
      case 'group': {
        const id = Number(name);
        selection.selectGroup(id, machine.groups.get(id)?.members[0]);
        selection.reveal++;
        break;
      }
      case 'config':
        inspect(name, 'config');
        if (place !== '') selection.wantedOffset = parseInt(place, 16);
        break;
      case 'bar':
        inspect(name, 'bars');
        break;
      case 'vector':
        inspect(name, 'interrupts');
        break;
      case 'iommu':
        inspect(name, 'iommu');
        break;
      case 'pane': {
        const pane = PANE_NAMES.find((known) => known === name);
        if (pane !== undefined) void dock.focus(pane);
        break;
      }
      case 'step':
        step(name);
        break;
      case 'command':
        void typing.insert(decoded(link.slice('command/'.length)));
        break;
    }
  }
  return { follow };
});

/** A link's text carries %20 for a blank. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
