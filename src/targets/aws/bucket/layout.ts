/**
 * The keys of the bucket of an environment (docs/decisions/0008): the store itself is on EFS, which only workers and hosts
 * reach; the bucket is how they and the command line speak.
 */

/** An input under its digest: a file's bytes, or a folder packed as tar. Immutable. */
export function sourceKey(sha256: string, name: string): string {
  return `sources/${sha256}/${name}`;
}

/** The agent's programs as one tar.gz, under its digest. Immutable. */
export function agentKey(sha256: string): string {
  return `agent/${sha256}/agent.tar.gz`;
}

/** A job, under the digest of its bytes: of a worker, or of a jump host that must prepare files itself. Immutable. */
export function jobKey(sha256: string): string {
  return `jobs/${sha256}.json`;
}

/** What hosts verify the database's certificate by, under its digest. Immutable. */
export const CERTIFICATES = 'certificates/';
export function certificateKey(sha256: string): string {
  return `${CERTIFICATES}${sha256}`;
}

/** Who changes this environment now. */
export const LOCK_KEY = 'lock.json';

/** The deployments that became healthy, one object each: the number has ten digits, so that names sort. */
export const DEPLOYMENTS = 'deployments/';
export function deploymentKey(number: number): string {
  return `${DEPLOYMENTS}${String(number).padStart(10, '0')}.json`;
}

/** What a run of a worker says. `prefix` is what the agent is told as `s3://bucket/<prefix>`. */
export const RUNS = 'runs/';
export function runKeys(run: string) {
  const prefix = `${RUNS}${run}`;
  return {
    prefix,
    /** By the command line, before the launch: what is to be done, and by which launch token. */
    run: `${prefix}/run.json`,
    /** By the user data: `{stage, time, detail?}`; the last stage that was reached. */
    stage: `${prefix}/stage.json`,
    /** By the user data: all that the machine's script printed. */
    bootLog: `${prefix}/boot.log`,
    /** By the agent: `events/0000000001.ndjson` and so on, each a few lines of TimedEvents. */
    events: `${prefix}/events/`,
    /** By the agent, every 10 s: `{time}`. */
    heartbeat: `${prefix}/heartbeat.json`,
    /** By the agent: stdout and stderr of its process, where there was any. */
    log: `${prefix}/worker.log`,
    /** By the agent, as the last thing: an AgentResult. */
    result: `${prefix}/result.json`,
    /** By the user data, after the agent has ended: `{status, time}`. */
    ended: `${prefix}/ended.json`,
  };
}

/** By which agent and job a jump host prepares a release that is not ready, and what that agent says of it. */
export const FALLBACKS = 'fallbacks/';
/** What those agents say. */
export const FALLBACK_RUNS = `${FALLBACKS}runs/`;
export function fallbackKeys(release: string) {
  return { pointer: `${FALLBACKS}${release}.json`, prefix: `${FALLBACK_RUNS}${release}` };
}

/** What is in the store of a file system, as its last writer saw it: empty objects for trees, records for releases. */
export const INDEXES = 'store/';
export function indexKeys(fileSystemId: string) {
  const prefix = `${INDEXES}${fileSystemId}`;
  return {
    prefix,
    trees: `${prefix}/trees/`,
    tree: (tree: string) => `${prefix}/trees/${tree}`,
    releases: `${prefix}/releases/`,
    release: (release: string) => `${prefix}/releases/${release}.json`,
  };
}

/** What a host is told of where other services are: shell, written by the command line. `id` is the host's resource in the stack. */
export const NEIGHBOURS = 'neighbours/';
export function neighboursKey(host: string, id: string): string {
  return `${NEIGHBOURS}${host}/${id}.sh`;
}

/** What a host says of itself. `instance` is the instance's id, so that a replaced host's log is kept. */
export const HOSTS = 'hosts/';
export function hostKeys(host: string, instance: string) {
  const prefix = `${HOSTS}${host}/${instance}`;
  return { state: `${prefix}/state.json`, log: `${prefix}/host.log` };
}
