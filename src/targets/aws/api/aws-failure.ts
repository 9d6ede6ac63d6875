import { PrestageError } from '../../../core/errors.js';
import { describeProxyFailure, ProxyFailure } from '../../../remote/index.js';

/** What was asked of AWS. */
export interface Asked {
  /** As IAM names it: `ec2:RunInstances`. */
  action: string;
  /** What it was asked of: a name, an id, a key. */
  resource?: string;
  /** The profile that the environment names. */
  profile?: string;
}

/** Asks AWS; whatever it answers that is no success becomes a PrestageError. */
export async function asAws<T>(asked: Asked, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw awsFailure(error, asked);
  }
}

/** What an error of the AWS SDK means, and what to do about it. */
export function awsFailure(error: unknown, asked: Asked): PrestageError {
  if (error instanceof PrestageError) return error;
  if (error instanceof ProxyFailure) return proxyFailure(error, asked);
  const answer = answerOf(error);
  const meaning = MEANINGS.find(({ names, matches }) => names?.has(answer.name) || matches?.(answer)) ?? OTHER;
  const { of, what, hint } = meaning.says(answer, asked);
  const where = asked.resource === undefined ? asked.action : `${asked.action} of ${asked.resource}`;
  return new PrestageError(of, `${where}: ${what.replace(/\.?$/, '.')}`, {
    hint,
    context: {
      action: asked.action,
      ...(asked.resource === undefined ? {} : { resource: asked.resource }),
      ...(answer.name === 'Error' ? {} : { awsCode: answer.name }),
      ...(answer.status === undefined ? {} : { status: answer.status }),
      ...(answer.requestId === undefined ? {} : { requestId: answer.requestId }),
    },
    retryable: of === 'AWS_FAILED' && answer.isPassing,
    cause: error,
  });
}

/** The proxy stands before all of AWS, so it is a setting of this machine. */
function proxyFailure(failure: ProxyFailure, { action }: Asked): PrestageError {
  const { what, hint } = describeProxyFailure(failure);
  return new PrestageError('AWS_SETTINGS', `${action}: ${what}.`, {
    hint,
    context: { action, proxy: failure.proxy.origin },
    cause: failure,
  });
}

interface Answer {
  /** `AccessDenied`, `ExpiredToken`, `ECONNREFUSED`. */
  name: string;
  message: string;
  status: number | undefined;
  requestId: string | undefined;
  isPassing: boolean;
}

interface Meaning {
  names?: ReadonlySet<string>;
  matches?(answer: Answer): boolean;
  says(answer: Answer, asked: Asked): { of: 'AWS_SETTINGS' | 'AWS_FAILED'; what: string; hint: string };
}

const AGAIN = 'Then run the same command again: it continues from here.';

const MEANINGS: readonly Meaning[] = [
  {
    names: new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired']),
    says: (_, { profile }) => ({
      of: 'AWS_SETTINGS',
      what: 'the AWS credentials have expired',
      hint: `Renew them: \`aws sso login${profileFlag(profile)}\`, or set fresh ones (AWS_SESSION_TOKEN with its two keys). ${AGAIN}`,
    }),
  },
  {
    names: new Set(['CredentialsProviderError', 'TokenProviderError', 'ProviderError']),
    says: ({ message }, { profile }) => {
      const [line = ''] = message.split('\n');
      const isExpired = /expired|sso login|sso session|refresh/i.test(message);
      return {
        of: 'AWS_SETTINGS',
        what: isExpired
          ? `the AWS login has expired (${line.replace(/\.$/, '')})`
          : `there are no AWS credentials to use (${line.replace(/\.$/, '')})`,
        hint: isExpired
          ? `Log in again: \`aws sso login${profileFlag(profile)}\`. ${AGAIN}`
          : `Name a profile (\`profile\` of the environment, or AWS_PROFILE; \`aws configure list\` shows what is found here), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
      };
    },
  },
  {
    names: new Set([
      'InvalidClientTokenId',
      'UnrecognizedClientException',
      'InvalidAccessKeyId',
      'AuthFailure',
      'SignatureDoesNotMatch',
      'InvalidSignatureException',
      'IncompleteSignature',
      'InvalidToken',
    ]),
    says: ({ message }) => ({
      of: 'AWS_SETTINGS',
      what: `AWS does not accept the credentials (${message.replace(/\.$/, '')})`,
      hint: '`aws sts get-caller-identity` shows whose credentials are used. Correct the profile, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN together.',
    }),
  },
  {
    names: new Set(['RequestTimeTooSkewed', 'RequestInTheFuture']),
    says: () => ({
      of: 'AWS_SETTINGS',
      what: 'the clock of this machine is wrong, and AWS refuses what is signed with it',
      hint: 'Correct it (`timedatectl set-ntp true`), then run the same command again.',
    }),
  },
  {
    names: new Set(['OptInRequired', 'AuthFailure.OptIn', 'InvalidRegion']),
    says: ({ message }) => ({
      of: 'AWS_SETTINGS',
      what: `the region is not enabled for this account (${message.replace(/\.$/, '')})`,
      hint: 'Enable it in the account settings, or correct `region` of the environment.',
    }),
  },
  {
    matches: ({ name, status }) => /^(AccessDenied|UnauthorizedOperation|Forbidden|403$)/.test(name) || status === 403,
    says: ({ message }, { action, resource }) => ({
      of: 'AWS_FAILED',
      what: `the credentials may not do that (${message.replace(/\.$/, '')})`,
      hint: `They need ${action}${resource === undefined ? '' : ` for ${resource}`}. \`prestage doctor --iam\` prints all that Prestage needs; \`aws sts get-caller-identity\` shows whose credentials are used.`,
    }),
  },
  {
    matches: ({ name, status }) =>
      /Throttl|SlowDown|RequestLimitExceeded|TooManyRequests/i.test(name) || status === 429,
    says: ({ message }) => ({
      of: 'AWS_FAILED',
      what: `AWS throttled the request, and all retries of it (${message.replace(/\.$/, '')})`,
      hint: `Wait a minute. ${AGAIN}`,
    }),
  },
  {
    matches: ({ name }) => name === 'ENOTFOUND' || name === 'EAI_AGAIN',
    says: ({ message }) => ({
      of: 'AWS_SETTINGS',
      what: `the name of AWS's endpoint is not known here (${message})`,
      hint: 'Check the network and `region` of the environment; behind a proxy set HTTPS_PROXY.',
    }),
  },
  {
    matches: ({ name }) => /^(ECONN|EPIPE|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|TimeoutError|AbortError)/.test(name),
    says: ({ message }) => ({
      of: 'AWS_FAILED',
      what: `AWS did not answer (${message})`,
      hint: `Check the network; behind a proxy set HTTPS_PROXY. ${AGAIN}`,
    }),
  },
];

const OTHER: Meaning = {
  says: ({ name, message, requestId }) => ({
    of: 'AWS_FAILED',
    what: `AWS answered ${name === 'Error' ? '' : `${name}: `}${message}`,
    hint: `Fix what it says, and run the same command again.${requestId === undefined ? '' : ` AWS knows this as request ${requestId}.`}`,
  }),
};

function answerOf(error: unknown): Answer {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), status: undefined, requestId: undefined, isPassing: false };
  const { $metadata, Code, code } = error as Error & {
    $metadata?: { httpStatusCode?: number; requestId?: string };
    Code?: string;
    code?: string;
  };
  const inner = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined;
  const name = Code ?? code ?? error.name;
  const status = $metadata?.httpStatusCode;
  return {
    name,
    message: oneLine(error.message || inner?.message || name),
    status,
    requestId: $metadata?.requestId,
    isPassing: status === undefined || status >= 500 || status === 429,
  };
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

function profileFlag(profile: string | undefined): string {
  return profile === undefined ? '' : ` --profile ${profile}`;
}
