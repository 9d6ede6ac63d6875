import type { HealthCheck, SecretSource, ServicePlan } from '../../../plan/index.js';

/** What every machine's script must know. Values are written into shell scripts: the renderer quotes them. */
interface MachineInputs {
  bucket: string;
  region: string;
  fileSystemId: string;
  /** The access point that it mounts the store by. */
  accessPointId: string;
}

/** How the agent is brought to a machine and started: both objects are checked by their digest. */
export interface AgentInputs {
  /** SHA-256 of the agent's tar.gz, in the bucket under agentKey. */
  agent: string;
  /** SHA-256 of the job, in the bucket under jobKey. */
  job: string;
}

export interface WorkerInputs extends MachineInputs, AgentInputs {
  run: string;
  /** Seconds after its start at which the worker ends whatever it does; two minutes later the machine is off in any case. */
  deadlineSeconds: number;
}

/** A secret of Secrets Manager, or a parameter of Systems Manager. */
export type HostSecret = Extract<SecretSource, { kind: 'secret' | 'parameter' }>;

export interface HostInputs extends MachineInputs {
  /** `api`, `api-1`. */
  host: string;
  service: string;
  index: number;
  release: string;
  /** Destinations of the packages that must be in the release. */
  needs: string[];
  /** Script paths in the release, under `.prestage/scripts/`. */
  boot: string | undefined;
  run: string | undefined;
  /** Who `boot` and `run` are executed as; made on the host where there is no such user. */
  bootUser: string;
  user: string;
  /** How `run` is ended, and when it is started again; undefined: as usual, and always. */
  stop: ServicePlan['stop'];
  restart: ServicePlan['restart'];
  /** Files of its log, in the working folder. */
  logs: readonly string[];
  /** What is copied before `boot`: by the path in the working folder, the path in the release. */
  files: Readonly<Record<string, string>>;
  port: number | undefined;
  health: HealthCheck | undefined;
  /** What `boot` and `run` find in their environment, but for other services, the database's and PRESTAGE_HOST. */
  variables: Readonly<Record<string, string>>;
  /** Variables whose values the host reads itself, by their names. */
  secrets: Readonly<Record<string, HostSecret>>;
  /**
   * The ARN of the database's secret (`{username, password, host, port, dbname, engine}`), from which its URLs are made, and what
   * its certificate is verified by.
   */
  database: ({ secret: string } & Record<'pem' | 'truststore', { key: string; sha256: string }>) | undefined;
  /** The object that says where other services are. */
  neighboursKey: string;
  /** Where it says that it is healthy, or why not: the URL of a wait condition's handle. */
  signalUrl: string;
  /**
   * What it does where the release is not ready. `fail`: says so. `wait`: waits up to `waitSeconds` for the jump host to prepare it.
   * `prepare`: prepares it by the agent.
   */
  notReady: { do: 'fail' } | { do: 'wait'; waitSeconds: number } | ({ do: 'prepare' } & AgentInputs);
}
