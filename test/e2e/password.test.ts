import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesBelow } from '../files-below.js';
import { lacks } from '../requirements.js';
import { type Sample, sampleProject } from '../sample-project.js';

const PASSWORD = 'tr0ub4dor-and-3';
const env = { VENDOR_PASSWORD: PASSWORD };

/** The sample with a package that 7-Zip has encrypted, names and all, and in it a zip with the same password. */
async function encrypted(): Promise<Sample> {
  const sample = await sampleProject();
  await sample.write('vendor/licence.txt', 'licensed\n');
  await sample.write('vendor/addons/more.txt', 'more\n');
  const pack = (...args: string[]) =>
    execFileSync('7zz', ['a', `-p${PASSWORD}`, ...args], { cwd: join(sample.folder, 'vendor'), stdio: 'pipe' });
  pack('-tzip', '-mem=AES256', 'addons.zip', './addons/more.txt');
  pack('-mhe=on', '../files/vendor.7z', 'licence.txt', 'addons.zip');
  sample.config.packages.vendor = {
    source: 'files/vendor.7z',
    password: { fromEnv: 'VENDOR_PASSWORD' },
    steps: [{ extract: { file: 'addons.zip', to: 'addons/' } }],
  };
  await sample.save();
  return sample;
}

describe.skipIf(lacks('sevenZip'))('a package whose archives are encrypted', () => {
  test('is unpacked with the password that its variable has, which is written nowhere', async () => {
    const sample = await encrypted();
    const without = await sample.run('deploy --json');
    expect(without.result.error).toMatchObject({
      code: 'LOGIN_SETTINGS',
      message: 'The variable VENDOR_PASSWORD, which has the password of package vendor, is not set.',
      context: { variable: 'VENDOR_PASSWORD', package: 'vendor' },
    });
    const wrong = await sample.run('deploy --prepare-files-only --json', { env: { VENDOR_PASSWORD: 'guess' } });
    expect(wrong.result.error).toMatchObject({ code: 'ARCHIVE_UNSUPPORTED', context: { reason: 'password' } });

    const planned = await sample.run('plan --json', { env });
    const deployed = await sample.run('deploy --prepare-files-only --json', { env });
    expect(deployed.result).toMatchObject({ ok: true, release: planned.result.release });
    const tree = join(sample.root, 'releases', deployed.result.release, 'vendor');
    expect(await readFile(join(tree, 'licence.txt'), 'utf8')).toBe('licensed\n');
    expect(await readFile(join(tree, 'addons/more.txt'), 'utf8')).toBe('more\n');
    // It is no part of what the release is: prepared, it needs no password any more.
    expect((await sample.run('deploy --prepare-files-only --json')).result).toMatchObject({ phase1: 'ready' });

    for (const run of [without, planned, deployed]) expect(run.stdout + run.stderr).not.toContain(PASSWORD);
    for (const [path, text] of Object.entries(await filesBelow(sample.folder)))
      expect(text, path).not.toContain(PASSWORD);
  });

  test('is unpacked by a jump host as well, whose scripts do not see the password', async () => {
    const sample = await encrypted();
    await sample.write('hosts/jump.sh', '#!/bin/sh\nenv >environment\n', 0o755);
    sample.config.services = { jump: { role: 'jump', boot: 'hosts/jump.sh' } };
    await sample.save();
    const { result } = await sample.run('deploy --single-phase --json', { env });
    expect(result.error).toBeUndefined();
    expect(await readFile(join(sample.root, 'hosts/jump-0/work/environment'), 'utf8')).not.toContain(PASSWORD);
    await sample.run('destroy --purge --yes');
  });
});
