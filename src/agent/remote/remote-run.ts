/** The objects by which an agent and those who follow it from afar speak, below a run's prefix: as a run's folder has files. */
export function remoteRun(prefix: string) {
  return {
    /** `0000000001.ndjson` and so on, each a few lines of TimedEvents: written one after the other, and never changed. */
    events: `${prefix}/events/`,
    eventsOf: (number: number) => `${prefix}/events/${String(number).padStart(10, '0')}.ndjson`,
    /** `{time}`, every HEARTBEAT_MS while the agent lives. */
    heartbeat: `${prefix}/heartbeat.json`,
    /** What the agent has to say of its own defects, where there are any. */
    log: `${prefix}/worker.log`,
    /** How it ended, as the last thing. */
    result: `${prefix}/result.json`,
  };
}

export const HEARTBEAT_MS = 10_000;
