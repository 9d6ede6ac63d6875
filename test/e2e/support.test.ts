import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sampleProject } from '../sample-project.js';
import { until } from '../until.js';

const SECRETS = [
  'hunter2-secret',
  's3cret-of-the-url',
  'topsecret-of-api',
  'signature0123456789',
  'MIIEvQIBADANBgkqhki',
];

test('prestage support writes one file with what somebody needs who looks into a problem, and with no secret', async () => {
  const sample = await sampleProject((config) => {
    config.services = {
      api: {
        run: 'hosts/talker.sh',
        environment: {
          DB_PASSWORD: SECRETS[2],
          CERTIFICATE: `-----BEGIN PRIVATE KEY-----\n${SECRETS[4]}\n-----END PRIVATE KEY-----\n`,
          MODE: 'loud',
        },
      },
    };
  });
  await sample.write(
    'hosts/talker.sh',
    `#!/bin/sh\necho "I am given $DB_PASSWORD"\necho 'password=${SECRETS[0]}'\necho 'from https://user:${SECRETS[1]}@example.com/x?X-Amz-Signature=${SECRETS[3]}'\nexec sleep 600\n`,
    0o755,
  );
  await sample.run('deploy');
  await until('what the program says', async () => (await sample.run('logs')).stdout.includes('from https'));
  const { result, stderr } = await sample.run('support report.txt --yes --json');
  expect(result, stderr).toMatchObject({
    ok: true,
    file: 'report.txt',
    parts: expect.arrayContaining(['doctor', 'logs']),
  });
  const path = join(sample.folder, 'report.txt');
  const text = await readFile(path, 'utf8');
  for (const secret of SECRETS) expect(text).not.toContain(secret);
  for (const part of [
    '===== versions',
    `node ${process.versions.node}`,
    'prestage.config.json',
    '"mode": "loud"',
    'password=***',
    'I am given ***',
  ])
    expect(text.toLowerCase()).toContain(part.toLowerCase());
  expect(text).toMatch(/===== last deployment =====\n\n\{[\s\S]*"phase\.finished"/);
  if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);

  // Not in the place of another file, and not without a question.
  await writeFile(path, 'mine\n');
  expect(await sample.run('support report.txt --yes')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('EEXIST'),
  });
  expect(await readFile(path, 'utf8')).toBe('mine\n');
  expect(await sample.run('support other.txt')).toMatchObject({ status: 2, stderr: expect.stringContaining('--yes') });
});

test('parts that cannot be read say why, and the others are there', async () => {
  const sample = await sampleProject();
  await writeFile(join(sample.folder, 'prestage.config.json'), '{ "name": "broken", "packages": { "a": {} } }');
  await sample.run('support broken.txt --yes');
  const text = await readFile(join(sample.folder, 'broken.txt'), 'utf8');
  expect(text).toMatch(/===== doctor =====\n\nIt could not be read: .*packages\.a\.source/);
  expect(text).toContain('===== status =====\n\n{');
});
