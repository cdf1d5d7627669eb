/** What is in each pane. Panes that are not in the standard layout load when they are first opened. */
import { defineAsyncComponent, type Component } from 'vue';
import ContainersPane from '../panes/containers/ContainersPane.vue';
import InspectorPane from '../panes/inspector/InspectorPane.vue';
import InterruptsPane from '../panes/interrupts/InterruptsPane.vue';
import LessonPane from '../panes/lesson/LessonPane.vue';
import TerminalPane from '../panes/terminal/TerminalPane.vue';
import TimelinePane from '../panes/timeline/TimelinePane.vue';
import TopologyPane from '../panes/topology/TopologyPane.vue';
import type { PaneName } from './layout';

export const COMPONENTS: Readonly<Record<PaneName, Component>> = {
  topology: TopologyPane,
  inspector: InspectorPane,
  containers: ContainersPane,
  interrupts: InterruptsPane,
  terminal: TerminalPane,
  timeline: TimelinePane,
  lesson: LessonPane,
  messages: defineAsyncComponent(() => import('../panes/messages/MessagesPane.vue')),
  history: defineAsyncComponent(() => import('../panes/history/HistoryPane.vue')),
  editor: defineAsyncComponent(() => import('../panes/editor/EditorPane.vue')),
};
