import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'electron-vite';
import path from 'node:path';

// Pinned to the oldest runtime that runs the build; electron-vite would take the targets of the installed package.
const NODE = 'node20.18';
const CHROME = 'chrome130';
const from = (file: string): string => path.resolve(import.meta.dirname, file);

export default defineConfig({
  main: {
    build: {
      target: NODE,
      outDir: 'out/main',
      externalizeDeps: false,
      rollupOptions: { input: { index: from('electron/main.ts') } },
    },
  },
  preload: {
    build: {
      target: NODE,
      outDir: 'out/preload',
      externalizeDeps: false,
      rollupOptions: {
        input: { preload: from('electron/preload/preload.ts') },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'renderer',
    plugins: [vue()],
    build: {
      target: CHROME,
      outDir: 'out/renderer',
      rollupOptions: { input: { index: from('renderer/index.html') } },
    },
  },
});
