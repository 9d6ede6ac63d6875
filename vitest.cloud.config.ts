import { defineConfig } from 'vitest/config';
import shared from './vitest.config.js';

/** What runs machines of the emulated AWS region: minutes of booting, waiting and ending. */
export default defineConfig({
  test: {
    ...shared.test,
    include: ['test/aws/**/*.cloud.ts'],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    // They wait for machines more than they work.
    maxWorkers: 2,
  },
});
