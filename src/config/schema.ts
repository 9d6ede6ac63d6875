import * as z from 'zod';
import { count, flag, isTreePath, localPath, writtenExtraction, writtenStep } from '../plan/index.js';
import { awsEnvironment } from './schema-aws.js';
import { servers } from './schema-servers.js';
import { ownServices, services } from './schema-services.js';
import { id, inputs, OWN_VALUES, size, values } from './schema-values.js';

/**
 * The configuration as users write it: the one source of its types (`defineConfig`), of the messages when it is wrong
 * and of the JSON Schema for editors. Short forms and defaults are written out in config.ts; what one value cannot
 * say of itself (names that refer to each other, files that must exist) is checked in rules.ts and resolve.
 */

const integrity = z
  .string()
  .regex(/^(sha256-[A-Za-z0-9+/]{43}=|sha256:[0-9a-fA-F]{64})$/, {
    error: ({ input }) =>
      /^sha(1|384|512)\b/.test(String(input))
        ? 'a SHA-256 (other algorithms are not supported): sha256-<base64> or sha256:<hex>'
        : 'sha256-<base64> (44 characters) or sha256:<64 hex digits>',
  })
  .describe('The SHA-256 of the source: sha256-<base64> (as in SRI) or sha256:<hex>. Checked against what is there.');

const extract = z
  .union([flag, z.strictObject(writtenExtraction)], {
    error: 'true, false or {strip, include, exclude, accept}',
  })
  .describe(
    'Whether and how to extract. Default: where the content is an archive, but not a .jar, .war, .ear, .whl or .nupkg. false leaves it one file; true and {…}: it must be an archive.',
  );

const atLeastOne = count.min(1, { error: 'a whole number from 1' });
const A_NAME_LENGTH = 'a whole number from 1 to 255';

const limits = z
  .strictObject({
    ratio: atLeastOne
      .describe('Bytes of files for each byte of the archive, once they are more than 100 MiB. Default: 1000.')
      .optional(),
    size: size.describe('All files together: 80GiB, or a number of bytes. Default: 64GiB.').optional(),
    count: atLeastOne.describe('Entries of the archive, also those that are left out. Default: 1000000.').optional(),
    depth: atLeastOne.describe('Names in the path of an entry. Default: 64.').optional(),
    nameLength: count
      .min(1, { error: A_NAME_LENGTH })
      .max(255, { error: A_NAME_LENGTH })
      .describe('Bytes of one name in a path. Default: 255.')
      .optional(),
  })
  .describe(
    'What an archive of this package may hold at most: the source, and those that its steps extract. They guard against archives that are made to do harm, and are no part of what a release is.',
  );

const password = z
  .strictObject({
    fromEnv: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'the name of a variable of the environment' })
      .describe('The variable that has it, where the command runs.'),
  })
  .describe('The password of encrypted archives of this package: the source, and those that its steps extract.');

const A_LAYER = 'the title of a layer, or its number from 0';

const packageSchema = z
  .strictObject({
    source: localPath.describe(
      'Where the bytes come from: the path of a file or a folder, https://…, s3://bucket/key, maven:group:artifact:version[:classifier][@type] or oci://registry/repository:tag.',
    ),
    repository: z
      .string()
      .regex(/^https?:\/\/[^\s?#]+$/, { error: 'the https:// address of a Maven repository' })
      .describe('The Maven repository of a maven: source. Default: Maven Central.')
      .optional(),
    layer: z
      .union([z.string().min(1), z.int({ error: A_LAYER }).min(0, { error: A_LAYER })], { error: A_LAYER })
      .describe('The layer of an oci: source: its title, or its number from 0. Default: the only one.')
      .optional(),
    platform: z
      .string()
      .regex(/^[a-z0-9]+\/[a-z0-9_]+(\/[a-z0-9]+)?$/, { error: 'a platform such as linux/amd64' })
      .describe('The platform of an oci: source that is an index, such as linux/amd64. Default: the only one.')
      .optional(),
    endpoint: z
      .string()
      .refine((url) => /^https?:\/\/[^\s?#@]+$/.test(url) && URL.canParse(url), {
        error: 'the https:// address of a server, such as https://minio.example.com',
      })
      .describe('The server of an s3: source, which speaks as S3 does. Default: that of the environment, or AWS.')
      .optional(),
    profile: z
      .string()
      .regex(/^[^\s\]]+$/, { error: 'the name of a profile, without spaces' })
      .describe(
        'The profile of the AWS config and credentials files that reads an s3: source. Default: what the environment says.',
      )
      .optional(),
    integrity: integrity.optional(),
    extract: extract.optional(),
    limits: limits.optional(),
    password: password.optional(),
    destination: z
      .string()
      .refine((path) => isTreePath(path.replace(/\/$/, '')), {
        error: 'a relative path with forward slashes and without . or ..',
      })
      .describe("Where it goes in the release. Default: the package's id.")
      .optional(),
    steps: z.array(writtenStep).describe('Changes to the extracted package, in order.').optional(),
  })
  .describe('One thing to prepare: a source, how to extract it, the steps that change it, where it goes.');

const database = z
  .strictObject({
    engine: z.enum(['postgres', 'mysql']).describe('The database engine.'),
    version: z
      .union([z.string().regex(/^\d+(\.\d+)*$/, { error: "a version such as '16'" }), z.number()], {
        error: "a version such as '16'",
      })
      .describe("The engine's version, such as '16'. Default: 16 for postgres, 8.4 for mysql.")
      .optional(),
  })
  .describe('A database for the services; its address is in PRESTAGE_DATABASE_URL.');

const dns = z
  .strictObject({
    zone: z
      .string()
      .regex(/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/, {
        error: 'a domain such as portal.internal',
      })
      .describe('A private zone, such as portal.internal.'),
  })
  .describe('Names for the services: <service>.<zone>.');

const environment = z.discriminatedUnion(
  'target',
  [
    z.strictObject({
      target: z.literal('local'),
      root: localPath.describe("The store's folder. Default: .prestage/<environment>.").optional(),
      services: ownServices.optional(),
      values: values.describe(OWN_VALUES).optional(),
    }),
    awsEnvironment,
  ],
  { error: 'an environment: {target: local, root} or {target: aws, region, …}' },
);

export const configSchema = z
  .strictObject({
    $schema: z.string().describe('The JSON Schema, for editors.').optional(),
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,30}$/, {
        error: 'up to 31 lower-case letters, digits and hyphens, beginning with a letter',
      })
      .describe("The project's name."),
    mode: z
      .enum(['two-phase', 'single-phase'])
      .describe(
        'two-phase: a worker prepares files before any host exists. single-phase: the jump host does. Default: two-phase.',
      )
      .optional(),
    packages: z.record(id, packageSchema).describe('What is prepared, by id.'),
    servers: servers.optional(),
    services: services.optional(),
    database: database.optional(),
    dns: dns.optional(),
    environments: z
      .record(id, environment)
      .refine((all) => Object.keys(all).length > 0, { error: 'at least one environment' })
      .describe('Named targets with their settings. Default: local: {target: local, root: .prestage/local}.')
      .optional(),
    values: values
      .describe('Named values: what `values.name` in a text stands for. An environment may have others in their place.')
      .optional(),
    inputs: inputs.optional(),
  })
  .describe('The configuration of Prestage.');

/** The configuration as it is written; `defineConfig` gives this type to editors. */
export type ConfigInput = z.input<typeof configSchema>;

/** The same after the schema accepted it. */
export type ParsedConfig = z.output<typeof configSchema>;
