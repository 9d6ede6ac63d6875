import { PrestageError } from '../../core/errors.js';
import { Attempt } from '../attempt.js';
import { failureOfStatus } from '../http-failure.js';
import { elements } from './xml.js';

/** An answer that is no object, with as much of its text as matters. */
export interface S3Answer {
  status: number;
  header(name: string): string | undefined;
  /** XML, or what a proxy says; empty where it is not known. */
  text: string;
}

/** The permission that a request needs. */
export type S3Action = keyof typeof VERBS;

const VERBS = {
  's3:GetObject': 'read',
  's3:PutObject': 'write',
  's3:DeleteObject': 'remove',
  's3:ListBucket': 'list',
} as const;

interface Asked {
  url: string;
  bucket: string;
  action: S3Action;
  versionId: string | undefined;
}

/** What S3's refusals mean ("Error responses" in its API reference), and what to do about each. */
export function failureOfS3(asked: Asked, answer: S3Answer): PrestageError {
  const { status } = answer;
  const code = element(answer.text, 'Code');
  const isPassing = code !== undefined && PASSING.has(code);
  if (isPassing || status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505)) {
    return passing(asked, status, code, answer);
  }
  const context = { url: asked.url, status, ...(code === undefined ? {} : { found: code }) };
  const refusal = REFUSALS[code ?? ''] ?? (code === undefined ? withoutReason(status) : undefined);
  if (refusal === undefined) {
    return new PrestageError('SOURCE_REFUSED', `${asked.url} was refused: ${status} ${code}${words(answer)}.`, {
      hint: 'Try it with other tools and the same credentials: `aws s3 cp`.',
      context,
    });
  }
  const { of = 'SOURCE_REFUSED', what, hint } = refusal(asked, answer);
  return new PrestageError(of, `${asked.url}: ${what}${code === undefined ? '' : ` (${code})`}.`, { hint, context });
}

/** Overload and accidents: worth another attempt, whatever their status is. */
const PASSING = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'InternalError',
  'RequestTimeout',
  'Throttling',
  'ThrottlingException',
  'OperationAborted',
]);

function passing({ url }: Asked, status: number, code: string | undefined, answer: S3Answer): PrestageError {
  // Its message apart, S3 is a server as others are: Retry-After is kept.
  const failure = failureOfStatus(url, { ...answer, status: 503 });
  const notBeforeMs = failure instanceof Attempt ? failure.notBeforeMs : 0;
  return new Attempt(`${url} answered ${status}${code === undefined ? '' : ` ${code}`}.`, {
    context: { url, status },
    notBeforeMs,
    hint: 'S3 is overloaded or failing. Run the same command again later; packages that are prepared are kept.',
  });
}

type Refusal = (
  asked: Asked,
  answer: S3Answer,
) => { of?: 'AWS_SETTINGS' | 'SOURCE_REFUSED' | 'SOURCE_MOVED'; what: string; hint: string };

const WHOSE = '`aws sts get-caller-identity` shows whose credentials are used';

const denied: Refusal = ({ bucket, action, versionId }, answer) => ({
  what: `the credentials may not ${VERBS[action]} it${words(answer)}`,
  hint:
    action !== 's3:GetObject'
      ? `${WHOSE}: they need ${action} for it.`
      : `${WHOSE}: they need ${versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'} for it, and kms:Decrypt where it is encrypted with a key of KMS. Without s3:ListBucket for ${bucket}, S3 says the same of an object that is not there.`,
});

const expired: Refusal = () => ({
  of: 'AWS_SETTINGS',
  what: 'the AWS credentials have expired',
  hint: 'Renew them: `aws sso login`, or set fresh ones in the environment (AWS_SESSION_TOKEN with its two keys). Then run the same command again: what is prepared is kept.',
});

const elsewhere: Refusal = ({ bucket }, { header, text }) => {
  const region = header('x-amz-bucket-region') ?? element(text, 'Region');
  return {
    of: 'AWS_SETTINGS',
    what: `the bucket is in ${region === undefined ? 'another region' : `the region ${region}`} than it was asked in`,
    hint:
      region === undefined
        ? `Find its region by \`aws s3api get-bucket-location --bucket ${bucket}\`, and set AWS_REGION to it.`
        : `Set AWS_REGION=${region}, or \`region\` of the profile.`,
  };
};

const noVersion: Refusal = ({ versionId = '' }) => ({
  of: 'SOURCE_MOVED',
  what: `the version that prestage.lock pins, ${versionId}, is not there any more`,
  hint: 'Run again with `--update-lock` to pin what is there now, or put the old version back.',
});

const noObject: Refusal = ({ bucket }) => ({
  what: 'there is no such object',
  hint: `Check its key in the configuration; \`aws s3 ls --recursive s3://${bucket}/\` shows what is there.`,
});

const REFUSALS: Readonly<Record<string, Refusal>> = {
  NoSuchKey: noObject,
  NoSuchVersion: noVersion,
  NoSuchBucket: ({ bucket }) => ({
    what: `there is no bucket ${bucket}`,
    hint: 'Check the bucket in the configuration, and whether AWS_ENDPOINT_URL leads to the right server; `aws s3 ls` shows the buckets of the credentials in use.',
  }),
  // An id that this bucket has no use for: never given, or of a version that is gone.
  InvalidArgument: (asked, answer) =>
    asked.versionId === undefined
      ? {
          what: `the request is not understood${words(answer)}`,
          hint: 'Check the bucket and the key in the configuration.',
        }
      : noVersion(asked, answer),
  // A version that is a mark of deletion.
  MethodNotAllowed: noVersion,
  AccessDenied: denied,
  AllAccessDisabled: denied,
  InvalidAccessKeyId: () => ({
    of: 'AWS_SETTINGS',
    what: 'the server does not know the AWS access key',
    hint: `Correct AWS_ACCESS_KEY_ID or the profile, and check AWS_ENDPOINT_URL where S3 is not AWS's own; ${WHOSE}.`,
  }),
  SignatureDoesNotMatch: (asked, answer) =>
    // versitygw says so of a wrong region too.
    /\bregion\b/i.test(words(answer))
      ? elsewhere(asked, answer)
      : {
          of: 'AWS_SETTINGS',
          what: 'the AWS secret key does not belong to the access key',
          hint: `Correct AWS_SECRET_ACCESS_KEY or the profile; ${WHOSE}.`,
        },
  ExpiredToken: expired,
  TokenRefreshRequired: expired,
  InvalidToken: () => ({
    of: 'AWS_SETTINGS',
    what: 'the AWS session token is not valid',
    hint: 'AWS_SESSION_TOKEN must be of the same login as the two keys beside it, and unset where they are of a user: set all three, or log in again (`aws sso login`).',
  }),
  RequestTimeTooSkewed: (_, { header }) => ({
    of: 'AWS_SETTINGS',
    what: `the clock of this machine is wrong${skew(header('date'))}`,
    hint: 'Correct it (`timedatectl set-ntp true`), then run the same command again.',
  }),
  PermanentRedirect: elsewhere,
  TemporaryRedirect: elsewhere,
  AuthorizationHeaderMalformed: elsewhere,
  IllegalLocationConstraintException: elsewhere,
  InvalidObjectState: ({ url }) => ({
    what: 'it is archived, and cannot be read as it is',
    hint: `Restore it first (\`aws s3api restore-object\`), or give a copy of ${url} in another storage class.`,
  }),
};

/** Where a status is all that is known. */
function withoutReason(status: number): Refusal {
  if (status === 403) return denied;
  if (status === 404) return noObject;
  if (status === 301 || status === 307) return elsewhere;
  return () => ({
    what: `the server answered ${status}`,
    hint: 'Check the endpoint (AWS_ENDPOINT_URL): it must be a server that speaks as S3 does.',
  });
}

function skew(date: string | undefined): string {
  const minutes = Math.round((Date.now() - Date.parse(date ?? '')) / 60_000);
  if (!Number.isFinite(minutes) || minutes === 0) return '';
  return `: ${Math.abs(minutes)} minutes ${minutes < 0 ? 'behind' : 'ahead of'} the server's`;
}

/** S3's own sentence, which names the policy that is missing; in brief, and on one line. */
function words({ text }: S3Answer): string {
  const message = element(text, 'Message')
    ?.replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(/\.$/, '')
    .slice(0, 300);
  return message ? `: ${message}` : '';
}

function element(xml: string, name: string): string | undefined {
  const [found] = elements(xml, name);
  return found === '' ? undefined : found?.slice(0, 2000);
}
