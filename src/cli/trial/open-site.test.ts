import { describe, expect, test } from 'vitest';
import { folderWith } from '../../../test/folder-with.js';
import { loadConfig } from '../../config/index.js';
import { placeOf } from './open-site.js';

const LONG = 'an-environment-of-31-letters-xx';
const VPC = 'vpc: {id: vpc-0a1b2c3d, workerSubnets: [subnet-0a1b2c3d, subnet-0a1b2c3e]}';
const CONFIG = `
name: portal
packages: {}
services:
  jump: {role: jump, boot: boot.sh}
  api: {run: run.sh, port: 80, count: 2}
database: {engine: postgres, version: '16'}
dns: {zone: portal.internal}
environments:
  local: {target: local}
  dev: {target: aws, region: eu-central-1, account: '123456789012'}
  ${LONG}: {target: aws, region: eu-central-1, ${VPC}, storage: {fileSystemId: fs-0a1b2c3d}}
`;

describe('where a test is tried', async () => {
  const config = async (environment?: string) => {
    const script = '#!/bin/sh\n';
    const folder = await folderWith({ 'prestage.config.yaml': CONFIG, 'boot.sh': script, 'run.sh': script });
    return loadConfig(folder, { environment });
  };

  test('is this machine, unless an environment on AWS is named and stacks are wanted there', async () => {
    expect(placeOf(await config(), undefined, { mode: 'full', createStacks: false })).toBeUndefined();
    expect(placeOf(await config('local'), 'local', { mode: 'full', createStacks: false })).toBeUndefined();
    expect(placeOf(await config('dev'), 'dev', { mode: 'full', createStacks: true })).toMatchObject({
      target: 'aws',
      name: expect.stringMatching(/^dev-test-[0-9a-f]{4}$/),
      trialOf: 'dev',
      account: '123456789012',
    });
  });

  test.each([
    ['phase1', 'a VPC, a file system, a bucket, an instance for each preparation.'],
    [
      'full',
      'a VPC, a file system, a bucket, an instance for each preparation, 3 hosts, 1 load balancer, 1 NAT gateway, a database.',
    ],
  ] as const)('%s without the flag is refused with what would be made', async (mode, made) => {
    const all = await config('dev');
    expect(() => placeOf(all, 'dev', { mode, createStacks: false })).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: expect.stringMatching(new RegExp(`: ${made}$`)),
        hint: expect.stringContaining('--create-stacks'),
      }),
    );
  });

  test('the flag without an environment on AWS is refused', async () => {
    const all = await config();
    for (const env of [undefined, 'local'])
      expect(() => placeOf(all, env, { mode: 'full', createStacks: true })).toThrow(
        expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('local is on this machine') }),
      );
  });

  test('has another name than any environment, uses its network, and no file system that is there', async () => {
    const place = placeOf(await config(LONG), LONG, { mode: 'full', createStacks: true });
    expect(place?.name).toHaveLength(31);
    expect(place).toMatchObject({ trialOf: LONG, network: { kind: 'existing', vpcId: 'vpc-0a1b2c3d' } });
    expect(place).not.toHaveProperty('fileSystemId');
  });
});
