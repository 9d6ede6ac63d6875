import { writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/core/digest.js';
import { filesBelow } from '../files-below.js';
import { sampleProject } from '../sample-project.js';

const PASSWORD = 'correct-horse-battery';
const TOKEN = 'tr0ub4dor-and-3';

/** Says that it knows both, without saying them. */
const BOOT = `#!/usr/bin/env node
import { createHash } from 'node:crypto';
const digest = (text) => createHash('sha256').update(text ?? '').digest('hex');
console.log('knows', digest(process.env.DB_PASSWORD), digest(process.env.API_TOKEN));
`;

test('prestage deploy, of a service with secrets: its scripts have them, and nothing else has', async () => {
  const sample = await sampleProject();
  // Where it is kept is outside of the project, as it would be.
  const kept = await sampleProject();
  writeFileSync(join(kept.folder, 'password'), `${PASSWORD}\n`);
  await writeFile(join(kept.folder, 'token.mjs'), `console.log('${TOKEN}')`);
  await sample.write('hosts/jump.mjs', BOOT, 0o755);
  Object.assign(sample.config.services.jump ?? {}, {
    environment: {
      DB_PASSWORD: { file: join(kept.folder, 'password') },
      API_TOKEN: { command: `node ${join(kept.folder, 'token.mjs')}` },
    },
  });
  await sample.save();

  const runs = [await sample.run('deploy --json -v')];
  expect(runs[0]?.result).toMatchObject({ ok: true, phase2: 'applied' });
  runs.push(await sample.run('logs jump'));
  expect(runs.at(-1)?.stdout).toContain(`knows ${sha256(PASSWORD)} ${sha256(TOKEN)}`);
  const { stdout } = await sample.run('config');
  expect(stdout).toContain(`file: ${join(kept.folder, 'password')}`);

  for (const line of ['plan --json', 'status --json', 'report', 'support', 'plan --out review', 'doctor --json'])
    runs.push(await sample.run(line));
  for (const { stdout, stderr } of runs) {
    expect(stdout + stderr).not.toContain(PASSWORD);
    expect(stdout + stderr).not.toContain(TOKEN);
  }
  for (const [path, text] of Object.entries(await filesBelow(sample.folder))) {
    expect(text, path).not.toContain(PASSWORD);
    expect(text, path).not.toContain(TOKEN);
  }
  expect(await readFile(join(sample.root, 'hosts/jump-0/host.json'), 'utf8')).toContain('API_TOKEN');

  await writeFile(join(kept.folder, 'token.mjs'), 'console.error("the vault is locked"); process.exit(1)');
  await sample.write('hosts/jump.mjs', `${BOOT}// changed\n`, 0o755);
  const { result } = await sample.run('deploy --json');
  expect(result.error).toMatchObject({
    message: expect.stringMatching(
      /its variable API_TOKEN cannot be read: `node .*token.mjs` ended with exit status 1: the vault is locked/,
    ),
  });

  // A plan says the same of what is not there at all, before anything is tried.
  Object.assign(sample.config.services.jump?.environment ?? {}, { API_TOKEN: { command: 'no-such-vault read token' } });
  await sample.save();
  const plan = await sample.run('plan --json');
  expect(plan.status).toBe(0);
  expect(plan.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual([
    'API_TOKEN of jump comes from `no-such-vault read token`, and no-such-vault is not on this machine.',
  ]);
});
