import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [vue()],
  test: {
    include: ['{engine,electron,renderer,fuzz}/**/*.test.ts'],
    testTimeout: 60_000,
    globalSetup: 'scripts/c-for-tests.mjs',
  },
});
