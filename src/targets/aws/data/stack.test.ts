import { describe, expect, test } from 'vitest';
import { type Exception, findingsOf, lintOf } from '../../../../test/aws/template-checks.js';
import { someData } from '../../../../test/aws/template-inputs.js';
import { lacks } from '../../../../test/requirements.js';
import type { DataInputs } from './inputs.js';
import { buildData, synthesizeData } from './stack.js';

const VARIANTS: Record<string, DataInputs> = {
  'a PostgreSQL': someData(),
  'a MySQL with a standby': someData({ ha: true, database: { engine: 'mysql', version: '8.4' } }),
};

const EXCEPTIONS: Exception[] = [
  { id: 'AwsSolutions-RDS3', reason: 'A standby is what `ha` is for' },
  { id: 'AwsSolutions-RDS11', reason: 'The port is open to hosts alone; another number would hide it from nobody' },
  {
    id: 'AwsSolutions-SMG4',
    reason: 'Rotation needs a function of the user, since hosts must learn the new password; the secret allows it',
  },
];

/** What cfn-lint says of what it cannot know. */
const LINT = [
  { id: 'E3691', reason: 'The same, for MySQL' },
  { id: 'W3691', reason: 'A major version alone is what RDS takes as its newest minor one' },
];

describe.each(Object.entries(VARIANTS))('the data stack with %s', (_, inputs) => {
  test('is this template, always', () => {
    const { template } = synthesizeData(inputs);
    expect(template).toMatchSnapshot();
    expect(JSON.stringify(synthesizeData(inputs).template)).toBe(JSON.stringify(template));
  });

  test('follows the AWS Solutions rules', () => {
    expect(findingsOf((stack) => buildData(stack, inputs), EXCEPTIONS)).toEqual([]);
  });

  test.skipIf(lacks('cfnLint'))('passes cfn-lint', async () => {
    expect(await lintOf(synthesizeData(inputs).template, LINT)).toBe('');
  });
});

test('a database outlives its stack, is protected, encrypted and backed up, and may go to another major version', () => {
  expect(synthesizeData(someData()).template.Resources.Database).toMatchObject({
    DeletionPolicy: 'RetainExceptOnCreate',
    UpdateReplacePolicy: 'Retain',
    Properties: {
      AllowMajorVersionUpgrade: true,
      DeletionProtection: true,
      StorageEncrypted: true,
      BackupRetentionPeriod: 7,
      PubliclyAccessible: false,
    },
  });
});

test('a database with subnets in one zone is refused, with the key to change', () => {
  expect(() => synthesizeData(someData({ subnetIds: ['subnet-0a1b2c3d4e5f60711'] }))).toThrow(
    expect.objectContaining({ code: 'AWS_SETTINGS', context: { key: 'environments.dev.vpc.workerSubnets' } }),
  );
});
