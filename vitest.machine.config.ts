import { defineConfig } from 'vitest/config';
import shared from './vitest.config.js';

/** Machines with kernels of their own, in qemu: what only a real NFS server and its clients do. */
export default defineConfig({
  test: {
    ...shared.test,
    include: ['test/machine/*.machine.ts'],
    // Without KVM all that a machine does takes some fifteen times as long.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    fileParallelism: false,
  },
});
