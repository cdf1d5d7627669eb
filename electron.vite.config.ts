import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'electron-vite';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'vite';

// Pinned to the oldest runtime that runs the build; electron-vite would take the targets of the installed package.
const NODE = 'node20.18';
const CHROME = 'chrome130';
const from = (file: string): string => path.resolve(import.meta.dirname, file);

interface Package {
  name: string;
  version: string;
  license?: string;
}
const parts = new Map<string, Package>();

/** The package that a module on the disk belongs to; null for the lab's own. */
function packageOf(module: string): Package | null {
  const inside = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(module)?.[1];
  const file = inside && path.join(inside, 'package.json');
  return file && existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Package) : null;
}

/** Lists whatever is bundled, for About. */
const listParts: Plugin = {
  name: 'list-parts',
  generateBundle() {
    for (const module of this.getModuleIds()) {
      const found = packageOf(module);
      if (found) parts.set(found.name, found);
    }
  },
  closeBundle() {
    const list = [...parts.values()].map(({ name, version, license }) => ({ name, version, licence: license ?? '' }));
    list.sort((a, b) => (a.name < b.name ? -1 : 1));
    writeFileSync(from('out/main/parts.json'), JSON.stringify(list));
  },
};

export default defineConfig({
  main: {
    plugins: [listParts],
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
    plugins: [vue(), listParts],
    build: {
      target: CHROME,
      outDir: 'out/renderer',
      rollupOptions: { input: { index: from('renderer/index.html') } },
    },
  },
});
