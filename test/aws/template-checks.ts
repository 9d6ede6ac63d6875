import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { App, Aspects, Stack } from 'aws-cdk-lib/core';
import { AwsSolutionsChecks, NagSuppressions } from 'cdk-nag';
import type { Statement } from '../../src/targets/aws/cdk/role-policies.js';
import type { Template } from '../../src/targets/aws/cloudformation/stack-state.js';
import { awsTool } from '../requirements.js';

/** A rule that a stack does not follow, and why not. */
export interface Exception {
  id: string;
  reason: string;
  /** Which findings of the rule are meant, where it has several. */
  appliesTo?: (string | { regex: string })[];
}

/** What the AWS Solutions rules of cdk-nag, and CDK's own checks, say of a stack beside what is excepted. */
export function findingsOf(
  build: (stack: Stack) => void,
  exceptions: readonly Exception[],
  env = { account: '123456789012', region: 'eu-central-1' },
): string[] {
  const app = new App({ analyticsReporting: false, treeMetadata: false });
  const stack = new Stack(app, 'checked', { env, analyticsReporting: false });
  build(stack);
  NagSuppressions.addStackSuppressions(stack, [...exceptions]);
  Aspects.of(app).add(new AwsSolutionsChecks({ verbose: true }));
  const all = Annotations.fromStack(stack);
  const found = [...all.findError('*', Match.anyValue()), ...all.findWarning('*', Match.anyValue())];
  return found.map(({ id, entry }) => `${id}: ${String(entry.data).split('\n')[0]}`);
}

/** What cfn-lint says of a template; nothing where it is fine. */
export async function lintOf(
  template: Template,
  ignored: readonly { id: string; reason: string }[] = [],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prestage-lint-'));
  try {
    const file = join(folder, 'template.json');
    await writeFile(file, JSON.stringify(template));
    const ignore = ignored.length === 0 ? [] : ['--ignore-checks', ...ignored.map(({ id }) => id)];
    return await promisify(execFile)(awsTool('cfn-lint'), [
      '--regions',
      'eu-central-1',
      ...ignore,
      '--template',
      file,
    ]).then(
      ({ stdout }) => stdout,
      (error: { stdout?: string }) => error.stdout ?? String(error),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A resource's properties, as what they are expected to be. */
export function propertiesOf<T>(template: Template, resource: string): T {
  const found = template.Resources[resource]?.Properties;
  if (found === undefined) throw new Error(`the template has no ${resource}`);
  return found as T;
}

/** The statements of a role's own policies. */
export function statementsOf(template: Template, role: string): Statement[] {
  const { Policies } = propertiesOf<{ Policies: { PolicyDocument: { Statement: Statement[] } }[] }>(template, role);
  return Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

/** A value of a template with its functions as text: `arn:<AWS::Partition>:s3:::<Bucket>`. */
export function asText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value !== 'object' || value === null) return value;
  const [[key, inner] = ['', undefined], ...others] = Object.entries(value);
  if (others.length === 0 && key === 'Ref') return `<${inner}>`;
  if (others.length === 0 && key === 'Fn::GetAtt') return `<${(inner as string[]).join('.')}>`;
  if (others.length === 0 && key === 'Fn::Join') {
    const [separator, parts] = inner as [string, unknown[]];
    return parts.map(asText).join(separator);
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, asText(each)]));
}
