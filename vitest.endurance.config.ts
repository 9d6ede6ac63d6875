import { defineConfig } from 'vitest/config';

/** What runs for minutes: `npm run test:endurance`. */
export default defineConfig({
  test: {
    include: ['test/endurance/*.endurance.ts'],
    globalSetup: ['test/build.ts'],
    testTimeout: 600_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Each has the machine for itself, as it bounds its own time.
    fileParallelism: false,
  },
});
