import type { HostState } from './state.js';

/** How often a program ended or could not be started, and how the last time: `ended 3 times, last with exit status 1`. */
export function endings({ restarts, lastExit, notStarted }: HostState): string {
  const times = restarts === 1 ? 'once' : `${restarts} times`;
  return notStarted === undefined
    ? `ended ${times}, last with ${lastExit}`
    : `could not be started: ${notStarted} (tried ${times})`;
}
