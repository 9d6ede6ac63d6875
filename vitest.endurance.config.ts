import { defineConfig } from 'vitest/config';
import shared from './vitest.config.js';

/** What must run for minutes: fuzzing, and faults at random moments. Seeds are kept, so that a failure comes again. */
export default defineConfig({
  test: {
    ...shared.test,
    include: ['test/endurance/*.endurance.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // Each has the machine for itself: it bounds its own time, and load is what makes moments rare.
    fileParallelism: false,
  },
});
