/** How the topology is drawn; commands of the window reach it here. */
import { defineStore } from 'pinia';
import { ref } from 'vue';

export const useTopologyCommands = defineStore('topology-commands', () => {
  const groups = ref(true);
  const lamps = ref(true);
  /** Rises when the drawing is to be fitted to its pane. */
  const fitWanted = ref(0);
  return { groups, lamps, fitWanted };
});
