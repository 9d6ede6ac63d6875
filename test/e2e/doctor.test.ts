import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startRegion } from '../aws/region.js';
import { folderWith } from '../folder-with.js';
import { freePort } from '../local-target.js';
import { prestage, type Run } from '../prestage.js';
import { lacks } from '../requirements.js';

async function project(environment: object, port = 8080): Promise<string> {
  const config = {
    name: 'portal',
    packages: {},
    services: { api: { run: 'run.sh', port } },
    environments: { it: environment },
  };
  const folder = await folderWith({ 'prestage.config.json': JSON.stringify(config), 'run.sh': '#!/bin/sh\nexit\n' });
  chmodSync(join(folder, 'run.sh'), 0o755);
  return folder;
}

interface Finding {
  check: string;
  state: string;
}

const findingsOf = ({ result }: Run) => (result as unknown as { checks: Finding[] }).checks;

describe('prestage doctor', () => {
  test('says of this machine, a line each, that all is well', async () => {
    const cwd = await project({ target: 'local', root: 'root' }, await freePort());
    const { status, stdout, stderr } = await prestage('doctor', { cwd });
    expect([status, stderr]).toEqual([0, '']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/).slice(0, 2))).toEqual([
      ['CHECK', 'STATE'],
      ...['Node', 'root', 'space', 'file system', 'interpreters', 'ports'].map((name) => [name, 'ok']),
    ]);
  });

  test.skipIf(lacks('moto'))('says of AWS what is well, and exits with 1 for what is not', async () => {
    const region = await startRegion();
    try {
      const cwd = await project({ target: 'aws', region: region.name });
      const well = await prestage('doctor --json', { cwd, env: region.env });
      expect(findingsOf(well).filter(({ state }) => state !== 'ok')).toEqual([]);
      expect([well.status, well.result.ok]).toEqual([0, true]);

      await region.quotas({ 'vpc/L-F678F1CE': 1 });
      const full = await prestage('doctor --json', { cwd, env: region.env });
      expect(findingsOf(full).filter(({ state }) => state !== 'ok')).toMatchObject([
        { check: 'VPCs', state: 'failed' },
      ]);
      expect([full.status, full.result.error.code]).toEqual([1, 'CHECK_FAILED']);
    } finally {
      await region.stop();
    }
  });
});
