import type { HostStatus } from '../../target.js';
import type { Machine } from '../worker/machines.js';
import type { HostReport } from './host-report.js';

/** A host that came up reports each minute. Some minutes more are for a busy machine and for clocks that differ. */
const SILENT_MS = 5 * 60_000;

/** The state of a host from what EC2 says of its instance and what it reported last. `now` is in ms since 1970. */
export function hostState(
  { id, state }: Pick<Machine, 'id' | 'state'>,
  report: HostReport | undefined,
  now: number,
): Pick<HostStatus, 'state' | 'detail'> {
  if (state === 'stopped' || state === 'stopping') return { state: 'stopped', detail: `instance ${id} is ${state}` };
  if (report === undefined) return { state: 'starting', detail: `instance ${id} is ${state} and has said nothing yet` };
  const reports = report.state === 'healthy' || report.state === 'unhealthy';
  if (reports && now - Date.parse(report.time) > SILENT_MS)
    return { state: 'unhealthy', detail: `instance ${id} is ${state} and has said nothing since ${report.time}` };
  switch (report.state) {
    case 'healthy':
      return { state: 'healthy' };
    case 'preparing':
      return { state: 'starting', detail: 'prepares the release itself' };
    case 'waiting':
      return { state: 'starting', detail: report.detail ?? 'waits for its files' };
    default:
      return { state: report.state, ...(report.detail === undefined ? {} : { detail: report.detail }) };
  }
}
