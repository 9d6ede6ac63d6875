import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // End-to-end tests run the built command, so it is built once before any of them.
    globalSetup: ['test/build.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A report's page carries its style as text; Vitest would read every style as an empty one.
    css: true,
    pool: 'forks',
    // Vitest would leave one core free: of two, half of the machine.
    maxWorkers: 2,
    // Tests that ask the emulated region themselves are not to be told about Node 20 either.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
});
