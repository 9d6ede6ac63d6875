import * as z from 'zod';
import { localPath } from '../plan/index.js';

/** Where the value of a service's variable is kept, as it is written. */

/** A variable's, of whatever kind. */
export const A_VALUE = 'text, a number, true or false, or one of {secret, key}, {parameter}, {file} and {command}';
const A_SECRET = 'the name or the whole ARN of a secret';
const A_PARAMETER = 'the name of a parameter, such as /portal/token, or its ARN';

export const secret = z.union(
  [
    z.strictObject({
      secret: z
        .string({ error: A_SECRET })
        .regex(/^(arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^\s]+-[A-Za-z0-9]{6}|[\w/+=.@-]{1,512})$/, {
          error: A_SECRET,
        })
        .describe('A secret of AWS Secrets Manager, by its name or its whole ARN.'),
      key: z
        .string({ error: 'a key' })
        .regex(/^[^\p{Cc}\s](?:[^\p{Cc}]*[^\p{Cc}\s])?$/u, { error: 'a key, without blanks around it' })
        .describe('One key of a secret that is a JSON object. Default: the secret as it is.')
        .optional(),
    }),
    z.strictObject({
      parameter: z
        .string({ error: A_PARAMETER })
        .regex(/^(arn:[a-z-]+:ssm:[a-z0-9-]+:\d{12}:parameter\/[\w./-]+|\/?[\w.-]+(\/[\w.-]+)*)$/, {
          error: A_PARAMETER,
        })
        .describe('A parameter of AWS Systems Manager, decrypted.'),
    }),
    z.strictObject({ file: localPath.describe('A file of this machine that holds the value.') }),
    z.strictObject({
      command: z
        .string({ error: 'a command' })
        .min(1, { error: 'a command' })
        .describe("A command that prints the value, run by the shell in the configuration's folder."),
    }),
  ],
  { error: A_VALUE },
);
