import type { CommandContext } from '../core/command-context.js';
import type { InputLocations, ReleasePlan, ScriptPlan, ServicesPlan } from '../plan/index.js';
import type { ChangedTree, PrunePlan, ReleaseRecord, TreeEntry, VerifyReport } from '../store/index.js';
import type { SecretFinding } from './checks/secrets.js';
import type { LogWindow } from './log-window.js';

/**
 * Where a deployment happens. The phases know a target only by this interface; `local` and `aws` implement it, and tests tell
 * the same story of both (test/e2e, test/aws). A target keeps what is deployed in itself, never in a file beside the
 * configuration.
 */
export interface Target {
  readonly kind: 'local' | 'aws';
  /** The store's root, as the target's hosts see it. */
  readonly root: string;
  /** What `destroy --purge` takes away, in words: its root, or the bucket and the file system. */
  readonly holdings: string;

  /**
   * What is there now. Each part is asked for once, when it is first needed, and stays as it was found: look again after a change,
   * and after a wait for the lock.
   * @param options.ahead asks at once for all that a deployment of services compares
   */
  look(options?: { ahead?: boolean }): TargetLook;

  /** Takes the readiness of changed trees away, so that phase 1 prepares them again. */
  forgetTrees?(trees: readonly ChangedTree[]): Promise<void>;

  /**
   * Phase 1: starts a worker that prepares the release, or attaches to the one that is already at it, and follows it to
   * its end. Aborting `signal` stops following, never the worker.
   * @throws LOCKED where a worker prepares another release and `wait` is false; and whatever the worker failed with.
   */
  prepare(job: PrepareJob, context: CommandContext): Promise<void>;

  /** A hosts' script that a release in the store has, where it can be read: a plan shows what changed in it. */
  readScript?(script: ScriptPlan): Promise<Uint8Array | undefined>;

  /** What is in a tree of the store, where its manifest can be read; undefined where it is not there. */
  listTree?(tree: string): Promise<ReadonlyMap<string, TreeEntry> | undefined>;

  /** A file of a tree of the store, where it can be read. @param path as its manifest has it */
  readFile?(tree: string, path: string): Promise<Uint8Array>;

  /** Lines of a host's (`api`, `api-1`), the database's or the worker's log, oldest first; with `follow`, until aborted. */
  logs(source: string | undefined, options: LogOptions): Promise<void>;
  /** Stops and removes everything of phase 2. With `purge`, the store and the database's data as well. */
  destroy(options: DestroyOptions): Promise<void>;
  /** All that there still is of the environment, in words, where that is not a folder. */
  left?(): Promise<string[]>;
  /** Ends what must not outlive a run: workers at work, and what dead ones left behind. */
  endTemporary(context: CommandContext): Promise<void>;

  verify(what: { release?: string; deep: boolean }, context: CommandContext): Promise<VerifyReport>;
  /**
   * Removes what the plan says. With an empty plan it deletes what a prune that was killed had put out of sight, where that
   * needs no machine.
   */
  prune(plan: PrunePlan, context: CommandContext): Promise<void>;

  /**
   * Runs `work` as the only command that changes this target, with a signal that a lost lock aborts too. The lock of a
   * command that died is taken over.
   * @throws LOCKED where another command is at it and `wait` is false; LEASE_LOST, when the work has ended
   */
  exclusively<T>(command: string, context: CommandContext, work: (context: CommandContext) => Promise<T>): Promise<T>;
}

/** A target as one look finds it. Nothing is asked twice, and all answers are of one moment, as near as that can be. */
export interface TargetLook {
  /** Detection: which of these trees, and whether this release, are in the store. A look-up per name, no walk. */
  lookUp(plan: ReleasePlan): Promise<Prepared>;

  /**
   * Which trees of a release somebody wrote to since they were prepared. Only where hosts may be able to; each name is looked at.
   */
  changedTrees?(plan: { packages: readonly { id: string; tree: string }[] }): Promise<ChangedTree[]>;

  /** The records of all releases in the store, oldest first. */
  releases(): Promise<ReleaseRecord[]>;
  currentRelease(): Promise<string | undefined>;
  /** The deployments that became healthy, oldest first: what `rollback` goes back to. */
  history(): Promise<DeployedRelease[]>;
  hosts(): Promise<HostStatus[]>;
  status(): Promise<TargetStatus>;

  /** What the environment is made of, where that is resources that can be looked at. */
  resources?(): Promise<TargetResource[]>;

  /** Checks that can fail before anything is changed (ports in use, an unsupported database). */
  checkServices(deployment: Deployment): Promise<void>;
  /** What phase 2 would do; changes nothing. */
  planServices(deployment: Deployment): Promise<ServicesChange>;
  /** Which values that hosts read for themselves are not where they are said to be kept; none is read. */
  secretFaults(services: ServicesPlan): Promise<SecretFinding[]>;
  /** What phase 2 would be made of, for a person to review, where the target makes it of more than a release; changes nothing. */
  reviewFiles?(deployment: Deployment, job: PrepareJob): Promise<ReviewFile[]>;
  /**
   * Phase 2: makes the hosts be as the deployment says, by what this look found, then moves `current`. On failure, hosts are back as
   * they were. What was looked at is true afterwards only where the outcome is `unchanged`.
   */
  applyServices(deployment: Deployment, context: CommandContext): Promise<'applied' | 'unchanged'>;

  /** Never what is current, deployed or being prepared. */
  planPrune(keep: number): Promise<PrunePlan>;
}

export interface LogOptions extends CommandContext, LogWindow {
  follow: boolean;
}

export interface DestroyOptions extends CommandContext {
  purge: boolean;
}

export interface Prepared {
  /** The release's record, where the release is complete. */
  release: ReleaseRecord | undefined;
  /** Names of the plan's trees that are there. */
  trees: ReadonlySet<string>;
}

export interface PrepareJob {
  plan: ReleasePlan;
  inputs: InputLocations;
  /** What is in the store, and wrong: trees, and the release's own folder. They are prepared again in any case. */
  replace?: { trees: string[]; release: boolean };
  /** The first package that fails ends the work on the others. A worker that is at it already goes on as it was told. */
  failFast?: boolean;
}

/** What phase 2 needs to know of a release: of one that was planned now, or of an old one's record (rollback). */
export interface ReleaseContents {
  release: string;
  packages: readonly {
    id: string;
    destination: string;
    /** The recipe's SHA-256. */
    recipe: string;
  }[];
  scripts: readonly ScriptPlan[];
}

export interface Deployment {
  environment: string;
  release: ReleaseContents;
  services: ServicesPlan;
  /** The image of hosts' machines, on AWS. Default: what they have now; the newest where there are none. */
  image?: 'newest' | { id: string };
  /** A first deployment that fails leaves the healthy hosts for the next try. */
  keep?: boolean;
  /** The database stays as it is, where there is one: hosts go back to an earlier release, data cannot. */
  keepDatabase?: boolean;
  /** Where no worker ran: what the jump host needs to prepare the release itself. */
  fallback?: PrepareJob;
}

export interface ReviewFile {
  /** With slashes, relative. */
  path: string;
  content: string;
}

export interface HostChange {
  host: string;
  service: string;
  action: 'create' | 'replace' | 'remove' | 'keep';
  reason: string;
}

export interface ServicesChange {
  action: 'apply' | 'unchanged';
  reason: string;
  hosts: HostChange[];
  /** `retain`: no service has it any more, and it stays with its data. `upgrade`: to another major version. */
  database: 'create' | 'keep' | 'change' | 'upgrade' | 'retain' | 'remove' | 'none';
  /** What becomes of the database and its data, in words, where there is more to say. */
  databaseDetail?: string;
  /** Where the target is made of resources: those that would change, as it sees them itself. */
  resources?: ResourceChange[];
}

/** A resource of CloudFormation. */
export interface ResourceChange {
  stack: string;
  resource: string;
  /** `AWS::EC2::Instance` */
  resourceType: string;
  action: 'add' | 'modify' | 'replace' | 'remove';
  /** Why, as far as CloudFormation says: the properties that change, or that it only knows while it deploys. */
  detail: string;
}

/** A resource that there is. */
export interface TargetResource {
  stack: string;
  /** Its name in the stack. */
  resource: string;
  /** `AWS::EC2::Instance` */
  resourceType: string;
  /** Its name in the account: `i-0123456789abcdef0`. */
  id: string;
  status: string;
  /** Its page in the console. */
  link?: string;
}

export interface DeployedRelease {
  release: string;
  /** ISO 8601, UTC. */
  deployedAt: string;
  services: ServicesPlan;
  /** Which image hosts' machines were made from, where they have one. */
  image?: string | undefined;
}

export interface HostStatus {
  service: string;
  index: number;
  address: string;
  port: number | undefined;
  /** Where its health check speaks HTTP. */
  url?: string;
  release: string;
  /** `missing`: it was deployed, and its machine is gone. */
  state: 'healthy' | 'starting' | 'unhealthy' | 'failed' | 'stopped' | 'missing';
  /** Why it is not healthy, where that is known; of a healthy one, how often its program ended. */
  detail?: string;
}

/** How others reach a service. */
export interface ServiceEntry {
  service: string;
  /** Its name in the private zone, and its port: `api.portal-dev.internal:8080`. */
  address: string;
  /** The security group that guards it. */
  group: string;
  /** The name of its load balancer, where it has one. */
  balancer?: string;
}

export interface TargetStatus {
  release: string | undefined;
  releases: string[];
  /** Services that others may be let in to, where the target guards them. */
  services?: ServiceEntry[];
  /** What exists only for a while: a worker at work, leftovers of dead runs. */
  temporary: { kind: string; id: string; detail: string }[];
  hosts: HostStatus[];
  database: { engine: string; version: string; address: string; port: number; state: string } | undefined;
}
