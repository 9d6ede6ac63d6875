import { spawnSync } from 'node:child_process';

let available: boolean | undefined;

/**
 * Whether hosts can have mounts of their own, by which they see the prepared files read-only as on AWS: root on Linux, with
 * unshare(1). User namespaces would give others the same, and take from their programs to change the user (sudo, su).
 */
export function hasPrivateMounts(): boolean {
  available ??=
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    spawnSync('unshare', [...PRIVATE_MOUNTS, 'true'], { stdio: 'ignore' }).status === 0;
  return available;
}

/** `slave`: what is mounted or unmounted elsewhere is so here too, and never the other way round. */
export const PRIVATE_MOUNTS = ['--mount', '--propagation', 'slave', '--'];
