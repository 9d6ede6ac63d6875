import { defineConfig } from 'vitest/config';
import shared from './vitest.config.js';

/** The built command by Windows' own Node, under Wine. */
export default defineConfig({
  test: {
    ...shared.test,
    include: ['test/windows/*.windows.ts'],
    globalSetup: ['test/build.ts', 'test/windows/prefix.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
