import { ok } from './finding.js';
import type { Check } from './run-checks.js';

/** For anyone who reads a report of somebody else's machine. An older Node than is needed does not come this far. */
export const nodeCheck: Check = {
  name: 'Node',
  run: async () => ok(`Node ${process.versions.node} on ${process.platform}, ${process.arch}.`),
};
