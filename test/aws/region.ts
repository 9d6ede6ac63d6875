import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { awsTool } from '../requirements.js';

/** What happens to requests that match; the first fault that does is taken. Absent: any. */
export interface Fault {
  /** As requests are signed: `s3`, `ec2`, `cloudformation`, `elasticfilesystem`. */
  service?: string;
  /** `RunInstances`, `PutObject`. */
  action?: string;
  /** A regular expression, on the request's path: for S3 the bucket and the key. */
  path?: string;
  accessKey?: string;
  /** How many requests are let through before. */
  skip?: number;
  /** How often; absent: always. */
  times?: number;
  /**
   * `reset`: the connection is cut before anything is done. `lost`: all is done, and the answer is not sent, after `ms`. `late`: the
   * answer is sent after `ms`. The others are errors of AWS.
   */
  effect: 'reset' | 'lost' | 'late' | 'expired' | 'slow-down' | 'unavailable' | 'denied';
  ms?: number;
}

/** What CloudFormation does not succeed in. */
export interface ResourceFailure {
  /** A regular expression, on logical ids. */
  resource: string;
  verb: 'create' | 'update' | 'delete';
  reason: string;
  times?: number;
}

export interface LaunchFaults {
  /** For so long after its launch, who asks for an instance by its id is told that there is none. */
  unknownMs?: number;
  /** Why the next launches are given up, one after the other. */
  givenUp?: { code: string; message: string }[];
}

export interface Call {
  service: string;
  action: string;
  path: string;
  accessKey: string;
  /** Seconds since 1970. */
  time: number;
  fault?: Fault['effect'];
}

/** An instance that runs or is about to has all; of others only `id` and `state`. */
export interface RegionInstance {
  id: string;
  state: 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';
  tags: Record<string, string>;
  address: string;
  vpc: string;
  zone: string;
  type: string;
  image: string;
  /** Base64. */
  userData: string;
  /** ARNs. */
  role: string | null;
  profile: string | null;
  /** Whether its tags are in its metadata. */
  metadataTags: boolean;
}

/** What the machines of the region must know. */
export interface RegionMachines {
  instances: RegionInstance[];
  /** The address ranges of VPCs. */
  networks: Record<string, string>;
  /** By VPC: the addresses of names. */
  names: Record<string, Record<string, string[]>>;
  mountTargets: { name: string; vpc: string; zone: string; address: string }[];
  balancers: {
    arn: string;
    name: string;
    vpc: string;
    address: string;
    listeners: { port: number; targets: { address: string; port: number }[] }[];
  }[];
}

export interface Mounted {
  /** In the file system. */
  folder: string;
  write: boolean;
  /** Whether it is made where it is not there: the access point's CreationInfo. */
  creates: boolean;
}

/** An emulated AWS region, with all its services on one port. */
export interface Region {
  name: string;
  endpoint: string;
  port: number;
  /** The environment in which a program is a user of that region, and of nothing else of AWS. */
  env: Record<string, string>;
  /** What was asked for, but for what services ask of each other. */
  calls(filter?: Partial<Pick<Call, 'service' | 'action'>>): Promise<Call[]>;
  /** From now on; none takes them back. */
  faults(...faults: Fault[]): Promise<void>;
  failures(...failures: ResourceFailure[]): Promise<void>;
  /** What quotas are instead of those of a new account, by `<service>/<code>`. */
  quotas(quotas: Record<string, number>): Promise<void>;
  /** Whether targets of load balancers fail their health checks from now on. */
  unhealthyTargets(unhealthy: boolean): Promise<void>;
  /** What EC2 does with instances that are launched from now on. */
  launches(what: LaunchFaults): Promise<void>;
  /** Puts a stack into a state; one that is not there is begun. */
  putStack(name: string, status: string, reason?: string): Promise<void>;
  machines(): Promise<RegionMachines>;
  /** As if the machine of an instance had shut itself down. */
  shutDown(instance: string): Promise<void>;
  /** What EC2 tells of what a machine printed. */
  console(instance: string, text: string): Promise<void>;
  /** Of an instance's role, as its metadata has them; null where it has none. */
  credentials(instance: string): Promise<unknown>;
  /** What the mount helper of a machine is told. @returns the folder in the file system, or why not */
  mount(
    instance: string,
    asked: { fileSystem: string; path: string; options: Record<string, string> },
  ): Promise<Mounted | { refused: string }>;
  stop(): Promise<void>;
}

export const ACCESS_KEY = 'AKIATESTKEY';

const server = fileURLToPath(new URL('./region/server.py', import.meta.url));

/** A region of its own, empty, until it is stopped, or until this process ends. */
export async function startRegion(name = 'eu-central-1'): Promise<Region> {
  const child = spawn(awsTool('python3'), ['-B', server, '--region', name], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'exit').then(([status]): never => {
      throw new Error(`the emulated region did not start: it ended with status ${status}`);
    }),
  ]);
  const port = Number(line);
  const endpoint = `http://127.0.0.1:${port}`;

  async function control(path: string, body?: unknown): Promise<Response> {
    return fetch(`${endpoint}/_region/${path}`, {
      ...(body === undefined
        ? {}
        : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  }

  async function tell(path: string, body?: unknown): Promise<unknown> {
    const response = await control(path, body);
    if (!response.ok) throw new Error(`the emulated region, of ${path}: ${await response.text()}`);
    return response.json();
  }

  return {
    name,
    endpoint,
    port,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: name,
      AWS_DEFAULT_REGION: name,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: 'a-secret-of-tests',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/nonexistent',
      AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
    },
    async calls({ service, action } = {}) {
      const calls = (await tell('calls')) as Call[];
      return calls.filter(
        (call) => (service ?? call.service) === call.service && (action ?? call.action) === call.action,
      );
    },
    async faults(...faults) {
      await tell('faults', faults);
    },
    async failures(...failures) {
      await tell('failures', failures);
    },
    async quotas(quotas) {
      await tell('quotas', quotas);
    },
    async unhealthyTargets(unhealthy) {
      await tell('targets', { unhealthy });
    },
    async launches(what) {
      await tell('launches', what);
    },
    async putStack(stack, status, reason) {
      await tell(`stacks/${stack}`, { status, reason });
    },
    machines: () => tell('machines') as Promise<RegionMachines>,
    async shutDown(instance) {
      await tell(`shutdown/${instance}`, {});
    },
    async console(instance, text) {
      await tell(`console/${instance}`, { text });
    },
    credentials: (instance) => tell(`credentials/${instance}`),
    async mount(instance, asked) {
      const response = await control(`mount/${instance}`, asked);
      if (response.status === 409) return { refused: await response.text() };
      if (!response.ok) throw new Error(`the emulated region, of a mount: ${await response.text()}`);
      return (await response.json()) as Mounted;
    },
    async stop() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
