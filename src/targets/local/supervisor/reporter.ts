import { placeOf } from '../../../core/place.js';
import { identify } from '../../../core/process-identity.js';
import type { HostState } from '../hosts/state.js';
import type { Records } from './records.js';

/** Publishes what changes in a host's state, each time as a whole. */
export interface Reporter {
  readonly state: HostState;
  report(change: Partial<HostState>): void;
}

/**
 * @param path state.json
 * @param before the state of the supervisor that this one takes over from
 */
export function startReporting(path: string, records: Records, before?: HostState): Reporter {
  const supervisor = identify(process.pid) ?? { pid: process.pid };
  let state: HostState = { phase: 'starting', restarts: 0, ...before, supervisor, place: placeOf('.') };
  const reporter = {
    get state() {
      return state;
    },
    report(change: Partial<HostState>) {
      state = { ...state, ...change };
      records.keep(path, JSON.stringify(state));
    },
  };
  reporter.report({});
  return reporter;
}
