import { expect, test } from 'vitest';
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

test('it names what has a name, and what has none is of its region or of a global service', () => {
  for (const { Sid, Resource, Condition, Action } of Statement) {
    expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
    for (const action of Action) expect(action).toMatch(/^[a-z0-9]+:[A-Za-z*]+$/);
    if (Resource !== '*')
      expect(
        [Resource].flat().every((arn) => /prestage-portal-dev|DatabaseSecret-|aws-service-role|al2023/.test(arn)),
      ).toBe(true);
    else expect(Sid === 'Zone' || JSON.stringify(Condition).includes('aws:RequestedRegion')).toBe(true);
  }
});

test('it passes roles to machines and to flow logs alone', () => {
  expect(Statement.find(({ Action }) => Action.includes('iam:PassRole'))?.Condition).toEqual({
    StringEquals: { 'iam:PassedToService': ['ec2.amazonaws.com', 'vpc-flow-logs.amazonaws.com'] },
  });
});
