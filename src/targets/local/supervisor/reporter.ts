import { identify } from '../../../core/process-identity.js';
import type { HostState } from '../hosts/state.js';
import { hostFiles } from '../layout.js';
import { replaceFile } from '../replace-file.js';

/** Publishes what changes in a host's state, each time as a whole. */
export interface Reporter {
  readonly state: HostState;
  report(change: Partial<HostState>): void;
}

export function startReporting(folder: string): Reporter {
  const supervisor = identify(process.pid) ?? { pid: process.pid };
  let state: HostState = { phase: 'starting', supervisor, restarts: 0 };
  const reporter = {
    get state() {
      return state;
    },
    report(change: Partial<HostState>) {
      state = { ...state, ...change };
      replaceFile(hostFiles(folder).state, `${JSON.stringify(state)}\n`);
    },
  };
  reporter.report({});
  return reporter;
}
