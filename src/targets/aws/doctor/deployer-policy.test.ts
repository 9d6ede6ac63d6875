import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  handlerPermissions,
  KNOWN_TYPES,
  mismatches,
  NEVER_ASKED,
  type Needed,
  neededPermissions,
} from '../../../../test/aws/needed-permissions.js';
import { lacks } from '../../../../test/requirements.js';
import { deployerPolicy } from './deployer-policy.js';

const { Statement } = deployerPolicy({
  project: 'portal',
  environment: 'dev',
  account: '123456789012',
  region: 'eu-central-1',
});

test('the policy of whoever deploys fits into a managed policy', () => {
  const policy = JSON.stringify({ Version: '2012-10-17', Statement });
  expect(policy.replaceAll(/\s/g, '').length).toBeLessThanOrEqual(6144);
});

/** What has no region, and what changes nothing and has no narrower resource. */
const UNBOUND = new Set(['Zone', 'Regions', 'FlowLogLookUps', 'Password']);

test('it names what has a name, and what has none is of its region or of a global service', () => {
  for (const { Sid, Resource, Condition, Action } of Statement) {
    expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
    for (const action of Action) expect(action).toMatch(/^[a-z0-9]+:[A-Za-z*]+$/);
    if (Resource !== '*')
      expect(
        [Resource].flat().every((arn) => /prestage-portal-dev|DatabaseSecret-|aws-service-role|al2023/.test(arn)),
      ).toBe(true);
    else if (!UNBOUND.has(Sid)) expect(JSON.stringify(Condition)).toContain('aws:RequestedRegion');
  }
});

test('it passes roles to machines and to flow logs alone', () => {
  const passing = Statement.filter(({ Action }) => Action.some((pattern) => matches(pattern, 'iam:PassRole')));
  expect(passing.map(({ Condition }) => Condition)).toEqual([
    { StringEquals: { 'iam:PassedToService': ['ec2.amazonaws.com', 'vpc-flow-logs.amazonaws.com'] } },
  ]);
});

describe.skipIf(lacks('parliament'))('beside what is asked of AWS', () => {
  const needed = neededPermissions();
  const matching = Statement.map(({ Action, Resource }) => ({
    Resource,
    Action: needed.map(({ action }) => action).filter((action) => Action.some((pattern) => matches(pattern, action))),
  }));
  const useless = mismatches(matching);

  /** What is needed and not allowed; `without` is an action that is taken out of a statement. */
  function lacking(without?: { statement: number; pattern: string }): string[] {
    const isAllowed = ({ action, elsewhere, unnamed }: Needed) =>
      Statement.some(
        ({ Action, Condition, Resource }, statement) =>
          !(unnamed && Resource !== '*') &&
          !(elsewhere && JSON.stringify(Condition ?? {}).includes('aws:RequestedRegion')) &&
          !useless[statement]?.has(action) &&
          Action.some(
            (pattern) => matches(pattern, action) && !(without?.statement === statement && without.pattern === pattern),
          ),
      );
    return needed.filter((each) => !isAllowed(each)).map(({ action }) => action);
  }

  test('it allows all that is needed, on resources for which that is possible', () => {
    expect(needed.length).toBeGreaterThan(200);
    expect(lacking()).toEqual([]);
  });

  test.each(Statement.flatMap(({ Sid, Action }, statement) => Action.map((pattern) => ({ Sid, pattern, statement }))))(
    'without $pattern ($Sid) something is lacking',
    ({ statement, pattern }) => {
      expect(lacking({ statement, pattern })).not.toEqual([]);
    },
  );

  test('the handlers of every type of our templates are known, and each exception is one', () => {
    const snapshots = ['foundation', 'data', 'infrastructure'].map((name) =>
      readFileSync(new URL(`../${name}/__snapshots__/stack.test.ts.snap`, import.meta.url), 'utf8'),
    );
    const types = new Set(
      snapshots.flatMap((text) => text.match(/AWS::(?!(?:Partition|Region))[A-Za-z0-9]+::[A-Za-z0-9]+/g)),
    );
    const without = ['AWS::CloudFormation::WaitCondition', 'AWS::CloudFormation::WaitConditionHandle'];
    expect([...types].filter((type) => type !== null && !KNOWN_TYPES.has(type)).sort()).toEqual([
      ...without,
      'AWS::Route53::RecordSet',
    ]);
    for (const { actions, reason } of NEVER_ASKED)
      expect(
        handlerPermissions().some((action) => actions.test(action)),
        reason,
      ).toBe(true);
  });
});

function matches(pattern: string, action: string): boolean {
  return new RegExp(`^${pattern.replaceAll('*', '.*')}$`, 'i').test(action);
}
