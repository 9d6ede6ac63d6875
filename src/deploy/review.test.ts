import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../core/digest.js';
import type { Resolved } from '../resolve/index.js';
import { writeReview } from './review.js';

let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-review-'));
  out = join(folder, 'deep', 'review');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A release of nothing but these scripts, and one input that is fetched. */
function resolved(...scripts: string[]): Resolved {
  const planned = scripts.map((path) => ({ path, sha256: sha256(path) }));
  const locations = scripts.map((path) => {
    writeFileSync(join(folder, path), path);
    return [sha256(path), { kind: 'file', path: join(folder, path), size: path.length }];
  });
  const remote = { kind: 'http', url: 'https://user:word@example.com/a.jar?X-Amz-Signature=5ec7e7&v=1' };
  const plan = {
    release: sha256(scripts.join()).slice(0, 16),
    digest: sha256(scripts.join()),
    name: 'portal',
    format: 1,
  };
  return {
    plan: { ...plan, packages: [], scripts: planned },
    services: { services: [] },
    inputs: Object.fromEntries([...locations, [sha256('a.jar'), remote]]),
  } as unknown as Resolved;
}

describe('a review', () => {
  test('has the recipes, the services, the job of the worker and what hosts run, and no credentials', async () => {
    const plan = resolved('boot.sh');
    await writeReview(out, plan);
    expect(readdirSync(out).sort()).toEqual(['job.json', 'release.json', 'scripts', 'services.json']);
    expect(readFileSync(join(out, 'scripts/boot.sh'), 'utf8')).toBe('boot.sh');
    const job = readFileSync(join(out, 'job.json'), 'utf8');
    expect(JSON.parse(job)).toMatchObject({ plan: plan.plan });
    expect(JSON.parse(job).inputs[sha256('boot.sh')]).toEqual(plan.inputs[sha256('boot.sh')]);
    expect(job).toContain('https://***@example.com/a.jar?***');
    expect(job).not.toMatch(/user|word|5ec7e7/);
  });

  test.skipIf(process.platform === 'win32')('is for its owner alone, whatever the mode of an earlier one', async () => {
    await writeReview(out, resolved('boot.sh'));
    chmodSync(out, 0o755);
    chmodSync(join(out, 'services.json'), 0o644);
    await writeReview(out, resolved('boot.sh'));
    const modes = ['.', ...readdirSync(out, { recursive: true, encoding: 'utf8' }).sort()].map(
      (path) => `${path} ${(statSync(join(out, path)).mode & 0o777).toString(8)}`,
    );
    expect(modes).toEqual([
      '. 700',
      'job.json 600',
      'release.json 600',
      'scripts 700',
      'scripts/boot.sh 700',
      'services.json 600',
    ]);
    expect(statSync(join(folder, 'deep')).mode & 0o055).not.toBe(0);
  });

  test.skipIf(process.platform === 'win32')('has what the target would make, for its owner alone', async () => {
    await writeReview(out, resolved('boot.sh'), [{ path: 'hosts/api-0.sh', content: '#!/bin/sh\n' }]);
    expect(readFileSync(join(out, 'target/hosts/api-0.sh'), 'utf8')).toBe('#!/bin/sh\n');
    expect(statSync(join(out, 'target/hosts')).mode & 0o777).toBe(0o700);
    expect(statSync(join(out, 'target/hosts/api-0.sh')).mode & 0o777).toBe(0o600);
    await writeReview(out, resolved('boot.sh'));
    expect(existsSync(join(out, 'target'))).toBe(false);
  });

  test('replaces an earlier one as a whole, a cut-short one as well', async () => {
    await writeReview(out, resolved('old.sh', 'boot.sh'));
    await writeReview(out, resolved('boot.sh'));
    expect(readdirSync(join(out, 'scripts'))).toEqual(['boot.sh']);
    rmSync(join(out, 'job.json'));
    await writeReview(out, resolved('run.sh'));
    expect(readdirSync(join(out, 'scripts'))).toEqual(['run.sh']);
    expect(existsSync(join(out, 'job.json'))).toBe(true);
  });

  test.each([
    ['another file', 'notes.txt', 'mine'],
    ['a release.json of something else', 'release.json', '{"name": "mine"}'],
    ['a release.json that is none', 'release.json', ''],
    ['scripts alone', 'scripts', undefined],
  ])('is refused where there is %s, which stays', async (_, name, content) => {
    mkdirSync(out, { recursive: true });
    if (content === undefined) mkdirSync(join(out, name));
    else writeFileSync(join(out, name), content);
    await expect(writeReview(out, resolved('boot.sh'))).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    expect(readdirSync(out)).toEqual([name]);
  });

  test('is refused beside a file that is not of a review', async () => {
    await writeReview(out, resolved('boot.sh'));
    writeFileSync(join(out, 'notes.txt'), 'mine');
    await expect(writeReview(out, resolved('run.sh'))).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    expect(readdirSync(join(out, 'scripts'))).toEqual(['boot.sh']);
  });

  test.each(['file', 'file/below'])('is a mistake of the command line where %s is in its way', async (path) => {
    writeFileSync(join(folder, 'file'), 'mine');
    await expect(writeReview(join(folder, path), resolved('boot.sh'))).rejects.toMatchObject({
      code: 'USAGE',
      exitStatus: 2,
    });
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('mine');
  });
});
