import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'e2e/journeys',
  outputDir: 'test-results',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  // Windows share the display, its focus and its two cores.
  workers: 1,
  forbidOnly: Boolean(process.env['CI']),
  reporter: [['list']],
});
