import type { TimedEvent } from '../../core/events.js';

/** One bar of a phase's chart, in milliseconds from the phase's beginning. */
export interface Span {
  label: string;
  kind: 'package' | 'transfer' | 'machine' | 'host';
  fromMs: number;
  toMs: number;
  /** `open`: nothing was heard of its end. */
  outcome: 'done' | 'failed' | 'open';
  marks: { atMs: number; label: string }[];
}

export interface PhaseChart {
  /** ISO 8601, UTC. */
  startedAt: string;
  durationMs: number;
  outcome: 'done' | 'failed';
  spans: Span[];
}

interface Said {
  key: string;
  kind: Span['kind'];
  does: 'starts' | 'marks' | 'ends' | 'fails';
  label?: string;
  mark?: string;
}

/** What the events of one phase say of when things began and ended; undefined where there are none. */
export function chartOf(events: readonly TimedEvent[] | undefined, failed: boolean): PhaseChart | undefined {
  const [first] = events ?? [];
  if (events === undefined || first === undefined) return undefined;
  const times = events.map(({ time }) => Date.parse(time)).filter((time) => !Number.isNaN(time));
  const start = Math.min(...times);
  const durationMs = Math.max(...times) - start;
  const open = new Map<string, Span>();
  const spans: Span[] = [];
  for (const event of events) {
    const atMs = Date.parse(event.time) - start;
    for (const said of sayingsOf(event)) {
      const known = open.get(said.key);
      if (said.does === 'starts' && !known) {
        const { label = said.key, kind } = said;
        const span: Span = { label, kind, fromMs: atMs, toMs: durationMs, outcome: 'open', marks: [] };
        open.set(said.key, span);
        spans.push(span);
      } else if (said.does === 'marks') known?.marks.push({ atMs, label: said.mark ?? '' });
      else if (known) {
        // A worker that was at work before this command told of its end.
        known.toMs = Math.max(known.fromMs, atMs);
        known.outcome = said.does === 'fails' ? 'failed' : 'done';
        open.delete(said.key);
      }
    }
  }
  if (failed) for (const span of open.values()) span.outcome = 'failed';
  return { startedAt: new Date(start).toISOString(), durationMs, outcome: failed ? 'failed' : 'done', spans };
}

function sayingsOf(event: TimedEvent): Said[] {
  switch (event.type) {
    case 'fetch.started':
      return [{ key: `fetch ${event.package}`, kind: 'transfer', does: 'starts' }];
    case 'fetch.finished':
      return [{ key: `fetch ${event.package}`, kind: 'transfer', does: 'ends' }];
    case 'upload.started':
      return [{ key: `upload ${event.source}`, kind: 'transfer', does: 'starts' }];
    case 'upload.finished':
      return [{ key: `upload ${event.source}`, kind: 'transfer', does: 'ends' }];
    case 'package.started':
      return [{ key: `package ${event.package}`, label: event.package, kind: 'package', does: 'starts' }];
    case 'package.retry':
      return [
        { key: `package ${event.package}`, kind: 'package', does: 'marks', mark: `attempt ${event.attempt} failed` },
      ];
    case 'package.step':
      return [
        { key: `package ${event.package}`, kind: 'package', does: 'marks', mark: `step ${event.step} (${event.kind})` },
      ];
    case 'package.published':
      return [{ key: `package ${event.package}`, kind: 'package', does: 'ends' }];
    case 'phase.started':
      return event.phase === 1 ? [{ key: 'the worker starts', kind: 'machine', does: 'starts' }] : [];
    case 'worker.started':
      return [{ key: 'the worker starts', kind: 'machine', does: 'ends' }];
    case 'machine.launched':
      return [{ key: `worker ${event.instance}`, kind: 'machine', does: 'starts' }];
    case 'machine.ended':
      return [{ key: `worker ${event.instance}`, kind: 'machine', does: 'ends' }];
    case 'stack.started':
      return [{ key: `stack ${event.stack}`, kind: 'machine', does: 'starts' }];
    case 'stack.finished':
      return [
        { key: `stack ${event.stack}`, kind: 'machine', does: /FAILED|ROLLBACK/.test(event.status) ? 'fails' : 'ends' },
      ];
    case 'database.starting':
      return [{ key: 'database', kind: 'host', does: 'starts' }];
    case 'database.ready':
      return [{ key: 'database', kind: 'host', does: 'ends' }];
    case 'host.starting':
      return [{ key: event.host, kind: 'host', does: 'starts' }];
    case 'host.booted':
      return [{ key: event.host, kind: 'host', does: 'marks', mark: 'boot script done' }];
    case 'host.healthy':
      return [{ key: event.host, kind: 'host', does: 'ends' }];
    case 'host.failed':
      return [{ key: event.host, kind: 'host', does: 'fails' }];
    default:
      return [];
  }
}
