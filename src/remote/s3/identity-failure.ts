import { PrestageError } from '../../core/errors.js';
import { failureOfConnection } from '../http-failure.js';

const HINT =
  'Name a profile in AWS_PROFILE (`aws configure list` shows what is found here), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; on an instance, give it a role. Then run the same command again.';

/** Why a request could not be signed: nobody gave credentials, or the one who gives them refuses. `profile`: where the configuration names one. */
export function failureOfIdentity(url: string, profile: string | undefined, error: unknown): PrestageError {
  if (error instanceof PrestageError) return error;
  // Who gives credentials was not reached: that may pass.
  if (error instanceof Error && 'code' in error && 'syscall' in error) return failureOfConnection(url, error);
  const expired = error instanceof Error && /expired|sso login/i.test(error.message);
  return new PrestageError(
    'AWS_SETTINGS',
    profile === undefined
      ? `${url} cannot be asked for: there are no AWS credentials to use${reason(error)}.`
      : `${url} cannot be asked for: the profile ${profile}, which its package names, gives no AWS credentials${reason(error)}.`,
    {
      hint: `${expired ? login(profile) : ''}${profile === undefined ? HINT : hintOf(profile)}`,
      context: { url, ...(profile === undefined ? {} : { profile }) },
      cause: error,
    },
  );
}

function login(profile: string | undefined): string {
  return `Log in again: \`aws sso login${profile === undefined ? '' : ` --profile ${profile}`}\`. `;
}

function hintOf(profile: string): string {
  return `\`aws configure list --profile ${profile}\` shows what is found here. Correct \`profile\` beside the source, or that profile in the AWS config and credentials files. Then run the same command again.`;
}

/** Only what the chain of credentials itself says; a program that gives them may say anything, secrets too. */
function reason(error: unknown): string {
  if (!(error instanceof Error) || !/^(Credentials|Token)ProviderError$/.test(error.name)) return '';
  if (error.message.startsWith('Command failed')) return ' (the credential_process of the profile failed)';
  const [line = ''] = error.message.split('\n');
  return ` (${line.replace(/\.$/, '')})`;
}
