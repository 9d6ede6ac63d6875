import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DescribeParametersCommand } from '@aws-sdk/client-ssm';
import { mapBounded } from '../../../core/bounded.js';
import { PrestageError } from '../../../core/errors.js';
import type { ServicesPlan } from '../../../plan/index.js';
import { type KeptVariable, keptVariables, type SecretFinding, variableOf } from '../../checks/secrets.js';
import { asAws } from '../api/aws-failure.js';
import type { Session } from '../api/session.js';

type Existence = 'there' | 'missing' | 'ending' | { unknown: string };

const REQUESTS_AT_ONCE = 8;
/** How many values a filter takes. docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html */
const NAMES_A_REQUEST = 50;

/** Secrets and parameters of services that are not there, by what describes them: no value is asked for. @throws AWS_SETTINGS, AWS_FAILED */
export async function findSecretFaults(
  services: ServicesPlan,
  session: Session,
  signal?: AbortSignal,
): Promise<SecretFinding[]> {
  const kept = keptVariables(services);
  const named = (kind: 'secret' | 'parameter') => [
    ...new Set(kept.flatMap(({ source }) => (source.kind === kind ? [source.name] : []))),
  ];
  const [secrets, parameters] = await Promise.all([
    describeSecrets(named('secret'), session, signal),
    describeParameters(named('parameter'), session, signal),
  ]);
  return kept.flatMap((each) => {
    const { source } = each;
    if (source.kind !== 'secret' && source.kind !== 'parameter') return [];
    const existence = (source.kind === 'secret' ? secrets : parameters).get(source.name);
    return existence === undefined ? [] : (findingOf(each, source, existence, session.environment.region) ?? []);
  });
}

function findingOf(
  kept: KeptVariable,
  { kind, name }: { kind: 'secret' | 'parameter'; name: string },
  existence: Existence,
  region: string,
): SecretFinding | undefined {
  const said = `${variableOf(kept)} is the ${kind} ${name}, and`;
  if (existence === 'there') return undefined;
  if (existence === 'missing')
    return {
      state: 'failed',
      found: `${said} there is none of that name in ${region}.`,
      remedy: 'Make what is missing, or correct its name: a host that cannot read it does not start.',
    };
  if (existence === 'ending')
    return {
      state: 'failed',
      found: `${said} it is scheduled for deletion.`,
      remedy: 'Restore it (`aws secretsmanager restore-secret`), or name another.',
    };
  return {
    state: 'warning',
    found: `${said} whether it is there cannot be known: ${existence.unknown}`,
    remedy: 'Allow `secretsmanager:DescribeSecret` and `ssm:DescribeParameters`, neither of which reads a value.',
  };
}

async function describeSecrets(
  names: readonly string[],
  session: Session,
  signal: AbortSignal | undefined,
): Promise<Map<string, Existence>> {
  if (names.length === 0) return new Map();
  const client = new SecretsManagerClient(session.client);
  try {
    const found = await mapBounded(
      names,
      REQUESTS_AT_ONCE,
      async (name): Promise<[string, Existence]> => [
        name,
        await existenceBy(() =>
          asAws({ action: 'secretsmanager:DescribeSecret', resource: name }, async () => {
            const command = new DescribeSecretCommand({ SecretId: name });
            const { DeletedDate } = await client.send(command, abortedBy(signal));
            return DeletedDate === undefined ? 'there' : 'ending';
          }),
        ),
      ],
    );
    return new Map(found);
  } finally {
    client.destroy();
  }
}

async function describeParameters(
  names: readonly string[],
  { ssm }: Session,
  signal: AbortSignal | undefined,
): Promise<Map<string, Existence>> {
  const existences = new Map<string, Existence>();
  // Those of another account, which an ARN names, are in no list of ours.
  const own = names.filter((name) => !name.startsWith('arn:'));
  for (let first = 0; first < own.length; first += NAMES_A_REQUEST) {
    const asked = own.slice(first, first + NAMES_A_REQUEST);
    const listed = new Set<string>();
    const outcome = await existenceBy(async () => {
      let NextToken: string | undefined;
      do {
        const command = new DescribeParametersCommand({
          ParameterFilters: [{ Key: 'Name', Option: 'Equals', Values: asked }],
          ...(NextToken === undefined ? {} : { NextToken }),
        });
        const page = await asAws({ action: 'ssm:DescribeParameters' }, () => ssm.send(command, abortedBy(signal)));
        for (const { Name } of page.Parameters ?? []) if (Name !== undefined) listed.add(Name);
        NextToken = page.NextToken;
      } while (NextToken);
      return 'there';
    });
    for (const name of asked) existences.set(name, outcome !== 'there' || listed.has(name) ? outcome : 'missing');
  }
  return existences;
}

/** What AWS answers; a refusal leaves it open. */
async function existenceBy(ask: () => Promise<Existence>): Promise<Existence> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof PrestageError)) throw error;
    const code = String(error.context.awsCode);
    if (code === 'ResourceNotFoundException') return 'missing';
    if (/^AccessDenied/.test(code)) return { unknown: error.message };
    throw error;
  }
}

function abortedBy(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}
