import * as z from 'zod';

/** Phase 2 as pure data: what a target runs on a release. Made from the configuration, recorded by the target as deployed. */

export const healthCheck = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    path: z.string(),
    /** https, with whatever certificate. */
    secure: z.literal(true).optional(),
    /** What it must answer; default: 2xx or 3xx. */
    status: z.array(z.int()).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    timeoutMs: z.int(),
  }),
  /** A connection must be accepted. */
  z.strictObject({ kind: z.literal('tcp'), timeoutMs: z.int() }),
]);

/** Where the value of a variable is kept. A host reads it when it starts; nobody else does. */
export const secretSource = z.discriminatedUnion('kind', [
  /** A secret of Secrets Manager, by name or ARN; `key`: one of the JSON object that it is. */
  z.strictObject({ kind: z.literal('secret'), name: z.string(), key: z.string().optional() }),
  /** A parameter of Systems Manager. */
  z.strictObject({ kind: z.literal('parameter'), name: z.string() }),
  /** On this machine: the content of a file, or what a command of the shell prints in a folder; paths are absolute. */
  z.strictObject({ kind: z.literal('file'), path: z.string() }),
  z.strictObject({ kind: z.literal('command'), command: z.string(), folder: z.string() }),
]);

const servicePlan = z.strictObject({
  name: z.string(),
  role: z.enum(['jump', 'service']),
  /** Script paths relative to the config's folder, as in the release's `scripts`. */
  boot: z.string().optional(),
  run: z.string().optional(),
  /** Users of the host that `boot` and `run` are executed as; absent: the target's defaults. */
  bootUser: z.string().optional(),
  user: z.string().optional(),
  /** How `run` is ended; absent: by SIGTERM, after the target's usual time by SIGKILL. */
  stop: z.strictObject({ signal: z.string(), timeoutMs: z.int() }).optional(),
  /** When `run` is started again; absent: whenever it ends. */
  restart: z.enum(['on-failure', 'never']).optional(),
  /** Files of its log, in the working folder. */
  logs: z.array(z.string()).optional(),
  /** What is copied before `boot`: by the path in the working folder, the path in the release. */
  files: z.record(z.string(), z.string()).optional(),
  /** Package ids; absent: it may use any of the release's files. */
  needs: z.array(z.string()).optional(),
  after: z.array(z.string()),
  count: z.int().min(1),
  port: z.int().min(1).max(65_535).optional(),
  health: healthCheck.optional(),
  /** Who else may reach its port, on AWS: IPv4 networks, ids of security groups and of prefix lists. */
  allow: z.array(z.string()).optional(),
  /** More variables for `boot` and `run`. */
  environment: z.record(z.string(), z.string()),
  /** Variables whose values are kept elsewhere. */
  secrets: z.record(z.string(), secretSource).optional(),
});

const databasePlan = z.strictObject({ engine: z.enum(['postgres', 'mysql']), version: z.string() });

/** In the order in which services start: each after those that it waits for. */
export const servicesPlan = z.strictObject({
  services: z.array(servicePlan),
  database: databasePlan.optional(),
  dnsZone: z.string().optional(),
});

export type HealthCheck = z.infer<typeof healthCheck>;
export type SecretSource = z.infer<typeof secretSource>;
export type ServicePlan = z.infer<typeof servicePlan>;
export type DatabasePlan = z.infer<typeof databasePlan>;
export type ServicesPlan = z.infer<typeof servicesPlan>;
