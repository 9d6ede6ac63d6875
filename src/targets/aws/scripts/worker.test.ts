import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lacks } from '../../../../test/requirements.js';
import { PATIENCE } from '../worker/follow-worker.js';
import { renderWorkerScript } from './worker.js';

const hostile = `it's "$(touch /tmp/x)" \`id\`\n\${Token[TOKEN.123]} \\`;
const rendered = renderWorkerScript({
  bucket: hostile,
  region: 'eu-central-1',
  fileSystemId: 'fs-1',
  accessPointId: 'fsap-1',
  agent: 'a'.repeat(64),
  job: 'b'.repeat(64),
  run: 'run-1',
  deadlineSeconds: 60,
});

test.skipIf(lacks('dash'))('a worker script is valid for dash, and its values are never evaluated', () => {
  execFileSync('dash', ['-n'], { input: rendered });
  const header = rendered.slice(0, rendered.indexOf('\nREGION='));
  expect(execFileSync('dash', { input: `${header}\nprintf %s "$BUCKET"` }).toString()).toBe(hostile);
});

const RESOLVE =
  'Failed to resolve "fs-1.efs.eu-central-1.amazonaws.com" - check that your file system ID is correct, and ensure that the VPC has an EFS mount target for this file system ID.\nSee https://docs.aws.amazon.com/console/efs/mount-dns-name for more detail.\nAttempting to lookup mount target ip address using botocore. Failed to import necessary dependency botocore, please install botocore first.';
const TUNNEL = 'Failed to initialize tunnel for fs-1, please check mount.log for the failure reason.';
const DENIED = "b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'";
const MOUNT_LOG = '2026-08-07 12:00:00 UTC - ERROR - Failed to start tunnel (errno=1), stderr="no CA file".';

// The texts are those of amazon-efs-utils 3.2.0. 0: port 2049 answers; 1: it does not; 6: there is no such name.
describe.skipIf(lacks('dash'))('why the store cannot be mounted', () => {
  test.each([
    [RESOLVE, 6, 'the name fs-1.efs.eu-central-1.amazonaws.com does not resolve'],
    [RESOLVE, 0, 'the name fs-1.efs.eu-central-1.amazonaws.com does not resolve'],
    ["b'mount.nfs4: Connection timed out'", 1, 'does not answer at port 2049. The security group'],
    ['mount timed out after 60 s', 1, 'does not answer at port 2049. The security group'],
    ['mount timed out after 60 s', 0, 'answers at port 2049, but the mount helper did not come to an end'],
    [DENIED, 0, "access is denied by the file system's policy or by IAM"],
    [TUNNEL, 0, 'TLS to fs-1.efs.eu-central-1.amazonaws.com could not be set up'],
    [TUNNEL, 1, 'does not answer at port 2049. The security group'],
    ['mount.nfs4: Protocol not supported', 0, 'though fs-1.efs.eu-central-1.amazonaws.com answers at port 2049'],
  ])('%s (port: %d): %s', (said, port, reason) => {
    const problem = diagnosis(said, port);
    expect(problem).toContain(`The store (fs-1) cannot be mounted`);
    expect(problem).toContain(reason);
    expect(problem).toContain(`The mount helper said: ${said.split('\n')[0]}`);
    expect(problem).toContain(`Its log said: ${MOUNT_LOG}`);
    expect(problem).not.toContain('botocore');
  });

  function diagnosis(said: string, port: number): string {
    const folder = mkdtempSync(join(tmpdir(), 'prestage-diagnosis-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'mount.out'), `${said}\n`);
    writeFileSync(join(folder, 'mount.log'), `${MOUNT_LOG}\n`);
    const functions = rendered.slice(rendered.indexOf('\nPROBLEM='), rendered.indexOf('\nMODE='));
    const script = `FILE_SYSTEM=fs-1 REGION=eu-central-1 ACCESS_POINT=fsap-1 TMP=${folder}
${functions}
MOUNT_LOG=${folder}/mount.log
connects() { return ${port}; }
diagnose_mount >/dev/null
printf %s "$PROBLEM"`;
    return execFileSync('dash', { input: script }).toString();
  }
});

test('no attempt of a worker takes half of the time after which its silence is taken for its end', () => {
  const limits = [...rendered.matchAll(/timeout (?:-k (\d+) )?(\d+) /g)].map(
    ([, kill = '0', limit = '0']) => Number(kill) + Number(limit),
  );
  expect(limits.length).toBeGreaterThanOrEqual(4);
  expect(Math.max(...limits)).toBeLessThan(PATIENCE.silenceMs / 1000 / 2);
  for (const attempt of ['install_once', 'mount_once', 'fetch_once']) {
    const from = rendered.indexOf(`\n${attempt}() {`);
    expect(rendered.slice(from, rendered.indexOf('\n}\n', from)), attempt).toContain('trying_again');
  }
});

test.skipIf(lacks('shellcheck'))('a worker script has nothing that shellcheck warns of', () => {
  execFileSync('shellcheck', ['-s', 'sh', '-S', 'warning', '-'], { input: rendered });
});
