import * as z from 'zod';
import type { SerializedError } from '../../core/errors.js';
import type { Emit, PrestageEvent, TimedEvent } from '../../core/events.js';

/** What is known of a release only from the events of its deployment. The command that deploys keeps it for later reports. */
export interface Trace {
  format: 1;
  release: string;
  /** Events of the last run of phase 1 that prepared something, and of the last run of phase 2 that changed something. */
  prepared?: TimedEvent[] | undefined;
  applied?: TimedEvent[] | undefined;
  /** What the steps of each tree did, and how long the tree took, by the tree's name. */
  trees: Record<string, TreeTrace>;
  /** Why the last deployment failed, if it did. */
  error?: SerializedError | undefined;
}

export interface TreeTrace {
  steps: StepEvent[];
  durationMs?: number | undefined;
}

type StepEvent = Extract<TimedEvent, { type: 'package.step' | 'package.changed' }>;

const events = z.array(z.looseObject({ type: z.string(), time: z.string() }));
const trace = z.object({
  format: z.literal(1),
  release: z.string(),
  prepared: events.optional(),
  applied: events.optional(),
  trees: z.record(z.string(), z.object({ steps: events, durationMs: z.number().optional() })),
  error: z.looseObject({ code: z.string(), message: z.string(), hint: z.string().optional() }).optional(),
});

/** What is known of a tree, from the first of these that knows it. */
export function treeTraceIn(traces: readonly Trace[], tree: string): TreeTrace | undefined {
  return traces.find(({ trees }) => trees[tree] !== undefined)?.trees[tree];
}

/** Undefined where it is none that this version wrote. */
export function parseTrace(text: string): Trace | undefined {
  try {
    return trace.parse(JSON.parse(text)) as unknown as Trace;
  } catch {
    return undefined;
  }
}

/** How far things are is of no interest afterwards, and logs are read where they are. */
function isPassing({ type }: PrestageEvent): boolean {
  return type.endsWith('.progress') || type === 'log' || type === 'notice';
}

/** Passes events on, and keeps those that a report is made of. */
export class Recording {
  readonly events: TimedEvent[] = [];
  readonly emit: Emit;

  constructor(emit: Emit) {
    this.emit = (event) => {
      // What a worker wrote down has the time at which it was.
      if (!isPassing(event)) this.events.push({ time: new Date().toISOString(), ...event });
      emit(event);
    };
  }

  /** What fails before a phase begins is told by its error, and there is nothing else to tell. */
  get hasBegun(): boolean {
    return this.events.some(({ type }) => type === 'phase.started');
  }

  /** Whether there is more to tell than that all was there already. */
  get didSomething(): boolean {
    return this.events.some(isWork);
  }
}

function isWork(event: TimedEvent): boolean {
  return event.type === 'phase.finished' && !['ready', 'unchanged', 'skipped'].includes(event.outcome);
}

/**
 * The trace of a deployment. What it did not do, an earlier one did: its part is taken from the earlier traces, the newest of
 * which is first.
 * @param trees the release's, by name
 */
export function traceOf(
  recorded: readonly TimedEvent[],
  about: { release: string; trees: readonly string[]; error?: SerializedError | undefined },
  earlier: readonly Trace[],
): Trace {
  const { release, trees, error } = about;
  const before = earlier.find((trace) => trace.release === release);
  const second = recorded.findIndex((event) => event.type === 'phase.started' && event.phase === 2);
  const parts = second < 0 ? [recorded, []] : [recorded.slice(0, second), recorded.slice(second)];
  const [prepared, applied] = parts.map((events) =>
    tellsOfWork(events, error !== undefined) ? [...events] : undefined,
  );
  const made = treesMade(recorded);
  const known = trees.flatMap((tree) => {
    const found = made.get(tree) ?? treeTraceIn(earlier, tree);
    return found === undefined ? [] : [[tree, found] as const];
  });
  return {
    format: 1,
    release,
    prepared: (prepared ?? before?.prepared)?.filter(({ type }) => type !== 'package.changed'),
    applied: applied ?? before?.applied,
    trees: Object.fromEntries(known),
    error,
  };
}

/** A phase that failed has no end. */
function tellsOfWork(events: readonly TimedEvent[], failed: boolean): boolean {
  const started = events.some(({ type }) => type === 'phase.started');
  return started && (events.some(isWork) || (failed && !events.some(({ type }) => type === 'phase.finished')));
}

/** What steps did is kept with their trees: the trees of another release may be the same. */
function isStep(event: TimedEvent): event is StepEvent {
  return event.type === 'package.changed' || event.type === 'package.step';
}

function treesMade(recorded: readonly TimedEvent[]): Map<string, TreeTrace> {
  const made = new Map<string, TreeTrace>();
  const current = new Map<string, TreeTrace>();
  for (const event of recorded) {
    if (event.type === 'package.started') {
      const tree = { steps: [] };
      made.set(event.tree, tree);
      current.set(event.package, tree);
    } else if (isStep(event)) current.get(event.package)?.steps.push(event);
    // An attempt that is repeated does its steps again.
    else if (event.type === 'package.retry') current.get(event.package)?.steps.splice(0);
    else if (event.type === 'package.published' && !event.reused) {
      const tree = current.get(event.package);
      if (tree) tree.durationMs = event.durationMs;
    }
  }
  return made;
}
