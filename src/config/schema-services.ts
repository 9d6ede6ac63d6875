import * as z from 'zod';
import { count, isTreePath, scalar } from '../plan/index.js';
import { A_VALUE, secret } from './schema-secrets.js';
import { duration, id, instanceType, scriptPath } from './schema-values.js';

const timeout = duration.describe('How long the check may take to succeed: 500ms, 120s, 2m. Default: 60s.').optional();

const path = z.string().regex(/^\/[^\s#]*$/, { error: 'a path that begins with /' });

const A_STATUS = 'a status from 100 to 599';
const status = z.int({ error: A_STATUS }).min(100, { error: A_STATUS }).max(599, { error: A_STATUS });

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: 'the name of a header' });
const headerValue = z.union(
  [z.string().regex(/^[ -~]*$/, { error: 'plain text on one line' }), z.number(), z.boolean()],
  {
    error: 'text on one line, a number, true or false',
  },
);

const health = z
  .union(
    [
      z.literal('tcp', { error: 'tcp' }),
      z
        .strictObject({
          http: path.describe('A path that must answer, by default 2xx or 3xx.').optional(),
          https: path.describe('The same by https, with whatever certificate the host has.').optional(),
          status: z
            .union([status, z.array(status).min(1)], { error: `${A_STATUS}, or a list of them` })
            .describe('The statuses that count as healthy. Default: 2xx and 3xx.')
            .optional(),
          headers: z.record(headerName, headerValue).describe('Headers to ask with. No secrets.').optional(),
          tcp: z.literal(true, { error: 'true' }).describe('true: a connection must be accepted.').optional(),
          timeout,
        })
        .refine(({ http, https, tcp }) => [http, https, tcp].filter((each) => each !== undefined).length === 1, {
          error: 'one of http (a path), https (a path) and tcp: true',
        })
        .refine(({ tcp, status, headers }) => tcp === undefined || (status === undefined && headers === undefined), {
          error: 'status and headers with http or https only',
        }),
    ],
    { error: 'tcp, {http: /path, timeout}, {https: /path, timeout} or {tcp: true, timeout}' },
  )
  .describe('When a host counts as healthy. Default: tcp where there is a port, else as soon as it runs.');

const A_PORT = 'a port from 1 to 65535';
const port = z.int({ error: A_PORT }).min(1, { error: A_PORT }).max(65_535, { error: A_PORT });

const A_SOURCE = 'an IPv4 network (10.0.0.0/8), a security group (sg-…) or a prefix list (pl-…)';
const allow = z
  .array(
    z
      .string({ error: A_SOURCE })
      .regex(/^((\d{1,3}\.){3}\d{1,3}\/([0-9]|[12]\d|3[0-2])|(sg|pl)-[0-9a-f]{8}([0-9a-f]{9})?)$/, { error: A_SOURCE }),
    { error: `a list of sources: each ${A_SOURCE}` },
  )
  .describe(
    'Who else may reach its port on AWS, besides the hosts of the project: networks, security groups, prefix lists.',
  );

const variable = z.string().regex(/^(?!PRESTAGE_)[A-Za-z_][A-Za-z0-9_]*$/, {
  error: 'the name of a variable: letters, digits and underscores, not beginning with PRESTAGE_',
});

const variables = z
  .record(variable, z.union([scalar, secret], { error: A_VALUE }))
  .describe('More variables for boot and run: their values, or where a secret is kept.');

const user = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, {
  error: 'the name of a user: a lower-case letter or _, then at most 31 of a-z, 0-9, _ and -',
});

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;

const stop = z
  .strictObject({
    signal: z.enum(SIGNALS).describe('The signal. Default: SIGTERM.').optional(),
    timeout: duration.describe('How long it may take before it is killed: 500ms, 30s, 2m. Default: 30s.').optional(),
  })
  .describe('How run is ended.');

const workPath = z.string().refine(isTreePath, {
  error: 'a path inside the working folder, with forward slashes and without . or ..',
});

const files = z
  .record(
    workPath,
    z.string().refine(isTreePath, {
      error: 'the path of a file or folder in the release, with forward slashes and without . or ..',
    }),
  )
  .describe(
    'What is copied from the release into the working folder before boot, writable: conf: tomcat/conf. By the path in the working folder.',
  );

const A_COUNT = 'a whole number from 1';

/** What an environment may say of a service in its own way. */
const perEnvironment = {
  count: count.min(1, { error: A_COUNT }).describe('How many hosts. Default: 1.').optional(),
  port: port.describe('Where it listens.').optional(),
  health: health.optional(),
  environment: variables.optional(),
  user: user
    .describe(
      'The user that runs `run`. Default: on AWS prestage, without privileges; on local who deploys. AWS makes one that is missing.',
    )
    .optional(),
  bootUser: user.describe('The user that runs `boot`. Default: on AWS root, on local who deploys.').optional(),
  stop: stop.optional(),
  restart: z
    .enum(['always', 'on-failure', 'never'])
    .describe('Whether run is started again when it ends. Default: always.')
    .optional(),
  logs: z
    .array(workPath)
    .min(1)
    .describe('Files that run appends its log to, in the working folder: prestage logs shows them. They are bounded.')
    .optional(),
  files: files.optional(),
};

const service = z
  .strictObject({
    role: z
      .enum(['jump', 'service'])
      .describe('jump: the host that can prepare files itself when none are ready. Default: service.')
      .optional(),
    boot: scriptPath
      .describe('A script that runs once on each new host, to its end, and must exit 0. It begins with a #! line.')
      .optional(),
    run: scriptPath
      .describe('The program, in the foreground; restarted if it ends. It begins with a #! line.')
      .optional(),
    user: perEnvironment.user,
    bootUser: perEnvironment.bootUser,
    stop: perEnvironment.stop,
    restart: perEnvironment.restart,
    logs: perEnvironment.logs,
    files: perEnvironment.files,
    needs: z.array(z.string()).describe('Packages that must be in the release. Default: it may use any.').optional(),
    after: z.array(z.string()).describe('Services that must be healthy before this one starts.').optional(),
    count: perEnvironment.count,
    port: perEnvironment.port,
    health: perEnvironment.health,
    allow: allow.optional(),
    environment: perEnvironment.environment,
  })
  .describe('A program that runs on hosts: a boot script once, then run.');

export const services = z.record(id, service).describe('The programs of phase 2, by name.');

const OWN_SERVICES =
  'What is another for a service in this environment, by its name. Variables of `environment` are added to those of the service.';

/** `services` of an environment. That there is such a service is checked when it is put together. */
export const ownServices = z.record(id, z.strictObject(perEnvironment)).describe(OWN_SERVICES);

/** The same on AWS, where a host is a machine of some type. */
export const ownAwsServices = z
  .record(
    id,
    z.strictObject({
      ...perEnvironment,
      instanceType: instanceType.describe('Instance type of its hosts.').optional(),
    }),
  )
  .describe(OWN_SERVICES);
