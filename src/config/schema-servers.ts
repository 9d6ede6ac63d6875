import * as z from 'zod';
import { localPath } from '../plan/index.js';

const A_SERVER =
  'a host as in the address of a source, with its port where that has one: repo.example.com, localhost:8443';

const server = z.string().refine((host) => serverName(host) !== undefined, { error: A_SERVER });

/** As URL writes it: in lower case, without the port of https; undefined where it is more or less than a host and a port. */
export function serverName(written: string): string | undefined {
  if (!/^[^\s/?#@]+$/.test(written) || !URL.canParse(`https://${written}`)) return undefined;
  return new URL(`https://${written}`).host;
}

/** What a request says of itself, or of how it is sent; a login is none of these. */
const OURS =
  /^(host|range|if-.*|accept-encoding|user-agent|connection|content-.*|transfer-encoding|te|trailer|upgrade)$/i;

const header = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: 'the name of a header' })
  .refine((name) => !OURS.test(name), { error: 'a header that lets us in, such as X-JFrog-Art-Api' });

const auth = z
  .strictObject({
    fromEnv: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'the name of a variable of the environment' })
      .describe('The variable that has the secret, where the command runs.'),
    header: header
      .describe('The header that it is sent in. Default: Authorization, where a token alone is sent as Bearer.')
      .optional(),
    user: z
      .string()
      .regex(/^[^:\p{Cc}]+$/u, { error: 'the name of a user, without a colon' })
      .describe('The user whose password the variable has (HTTP Basic).')
      .optional(),
  })
  .refine(({ header, user }) => header === undefined || user === undefined, { error: 'either header or user' })
  .describe('The login: a token, a header or a password from the environment. Default: what .netrc says of the host.');

const settings = z
  .strictObject({
    auth: auth.optional(),
    ca: localPath.describe('Authorities (PEM) that are trusted for this server, instead of those of Node.').optional(),
    cert: localPath
      .describe('A client certificate (PEM), with the chain above it where the server needs that.')
      .optional(),
    key: localPath.describe('Its key (PEM), without a passphrase.').optional(),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), { error: 'cert and key together' });

export const servers = z
  .record(server, settings)
  .describe('How servers of https sources let us in, by host. It holds names of variables and files, never a secret.');
