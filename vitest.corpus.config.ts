import { defineConfig } from 'vitest/config';
import shared from './vitest.config.js';

/** Archives from the test suites of other programs, unpacked beside bsdtar. */
export default defineConfig({
  test: {
    ...shared.test,
    globalSetup: [],
    include: ['test/corpus/*.corpus.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
