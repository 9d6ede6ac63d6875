import { describe, expect, test } from 'vitest';
import { normalizeArguments } from './powershell-spelling.js';

const FLAGS = [
  '--help',
  '--version',
  '--env',
  '--config',
  '--json',
  '--no-color',
  '--prepare-files-only',
  '--skip-file-prep',
  '--phase1-only',
  '--phase2-only',
  '--full-deployment',
  '--keep',
  '--dry-run',
];

describe('PowerShell spelling', () => {
  test.each([
    ['deploy -PrepareFilesOnly', 'deploy --prepare-files-only'],
    ['deploy -preparefilesonly', 'deploy --prepare-files-only'],
    ['deploy -SKIPFILEPREP -Json', 'deploy --skip-file-prep --json'],
    ['deploy -Env dev', 'deploy --env dev'],
    ['deploy -Environment dev', 'deploy --env dev'],
    ['deploy -Env:dev', 'deploy --env=dev'],
    ['deploy -Env: dev', 'deploy --env dev'],
    ['deploy -Json:$true', 'deploy --json'],
    ['deploy -Json:False', 'deploy'],
    ['deploy -NoColor', 'deploy --no-color'],
    ['prune -Keep 3 -DryRun', 'prune --keep 3 --dry-run'],
    ['test -TestPhase1Only', 'test --phase1-only'],
    ['test -testphase2only', 'test --phase2-only'],
    ['test -TestFullDeployment', 'test --full-deployment'],
    ['-Version', '--version'],
    ['-?', '--help'],
    ['deploy -PrepareFileOnly', 'deploy --prepare-file-only'],
  ])('%s means %s', (written, meant) => {
    expect(normalizeArguments(written.split(' '), FLAGS)).toEqual(meant.split(' '));
  });

  test.each([
    ['short flags', 'logs api -f -v -q'],
    ['short flags in one', 'logs -fv'],
    ['long flags', '--json deploy --env dev'],
    ['words that only look alike', 'logs env'],
    ['what follows --', 'logs -- -Json'],
    ['a lone hyphen', 'deploy --config -'],
    ['negative numbers', 'prune --keep -3'],
  ])('leaves %s as they are', (_, written) => {
    expect(normalizeArguments(written.split(' '), FLAGS)).toEqual(written.split(' '));
  });
});
