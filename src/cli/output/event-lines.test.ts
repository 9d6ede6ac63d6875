import { describe, expect, test } from 'vitest';
import type { PrestageEvent } from '../../core/events.js';
import { eventLines } from './event-lines.js';
import { colourStyle, plainStyle } from './text/style.js';

const host = { host: 'api-1', service: 'api', index: 1 };
const where = { address: '127.0.0.1', port: 8081 };
const digest = 'a'.repeat(64);

describe('what a person is told', () => {
  test.each<[PrestageEvent, string[]]>([
    [
      { type: 'source.locked', source: 'files/a.jar', sha256: digest },
      ['locked    files/a.jar sha256:aaaaaaaaaaaaaaaa'],
    ],
    [
      { type: 'source.locked', source: 'files/a.jar', sha256: digest, previous: 'b'.repeat(64) },
      ['locked    files/a.jar sha256:aaaaaaaaaaaaaaaa, was bbbbbbbbbbbbbbbb'],
    ],
    [
      { type: 'package.detected', package: 'a', tree: 'a-1', action: 'prepare', reason: 'not prepared yet' },
      ['prepare   a (not prepared yet)'],
    ],
    [
      { type: 'package.detected', package: 'a', tree: 'a-1', action: 'reuse', reason: 'ready as a-1' },
      ['reuse     a (ready as a-1)'],
    ],
    [
      { type: 'phase.started', phase: 1, release: 'r1', reason: 'release r1 is not ready' },
      ['Phase 1, files: release r1 is not ready'],
    ],
    [
      { type: 'phase.finished', phase: 2, release: 'r1', outcome: 'applied', durationMs: 12_300 },
      ['Phase 2, hosts: applied in 12 s'],
    ],
    [{ type: 'phase.finished', phase: 1, release: 'r1', outcome: 'ready', durationMs: 0 }, ['Phase 1, files: ready']],
    [{ type: 'release.current', release: 'r2', previous: 'r1' }, ['current   r2 (was r1)']],
    [{ type: 'release.current', release: 'r2', previous: 'r2' }, ['current   r2']],
    [{ type: 'worker.started', run: 'x', release: 'r1', packages: 2 }, []],
    [
      { type: 'worker.attached', run: 'x', release: 'r1' },
      ["worker    an earlier command's worker is preparing release r1; following it"],
    ],
    [{ type: 'store.collected', removed: 1 }, ['worker    removed 1 leftover of runs that died']],
    [
      { type: 'store.measured', bytes: 1.7e9, files: 2408, freeBytes: 9e10 },
      ['space     at least 1.6 GiB for 2,408 files; 84 GiB are free'],
    ],
    [
      {
        type: 'store.measured',
        bytes: 1.7e9,
        files: 2408,
        freeBytes: 9e10,
        last: { packages: 20, bytes: 4.2e9, durationMs: 185_000 },
      },
      ['space     at least 1.6 GiB for 2,408 files; 84 GiB are free', 'last time 20 packages, 3.9 GiB, in 3 min 05 s'],
    ],
    [{ type: 'digest.started', source: 'a.jar', bytesTotal: 1.7e9 }, []],
    [{ type: 'digest.progress', source: 'a.jar', bytes: 1e9, bytesTotal: 1.7e9 }, []],
    [
      { type: 'digest.finished', source: 'a.jar', bytes: 1.7e9, durationMs: 1400 },
      ['digested  a.jar (1.6 GiB, 1.4 s)'],
    ],
    [{ type: 'package.started', package: 'a', tree: 'a-1', bytesTotal: 1e6 }, []],
    [{ type: 'package.progress', package: 'a', bytes: 812e6, bytesTotal: 1.7e9, files: 1204 }, []],
    [
      { type: 'package.retry', package: 'a', attempt: 2, delayMs: 500, reason: 'connection reset' },
      ['a: attempt 2 failed, again in 500 ms: connection reset'],
    ],
    [
      {
        type: 'package.step',
        package: 'a',
        step: 2,
        kind: 'replace',
        files: 2,
        changes: 3,
        summary: '3 places in 2 files',
      },
      ['a: step 2, replace: 3 places in 2 files'],
    ],
    [
      {
        type: 'package.published',
        package: 'a',
        tree: 'a-1',
        digest,
        reused: false,
        files: 1,
        bytes: 2e6,
        durationMs: 1400,
      },
      ['a: prepared, 1 file, 1.9 MiB in 1.4 s'],
    ],
    [
      {
        type: 'package.published',
        package: 'a',
        tree: 'a-1',
        digest,
        reused: true,
        files: 3,
        bytes: 10,
        durationMs: 0,
      },
      ['a: ready, 3 files, 10 B'],
    ],
    [{ type: 'host.starting', ...host, ...where, replaces: false }, ['api-1: starting on 127.0.0.1:8081']],
    [
      { type: 'host.starting', ...host, address: '127.0.0.1', replaces: true },
      ['api-1: replaced, starting on 127.0.0.1'],
    ],
    [{ type: 'host.files', ...host, state: 'ready', release: 'r1' }, ['api-1: files are ready (release r1)']],
    [
      { type: 'host.files', ...host, state: 'preparing', release: 'r1' },
      ['api-1: no files are ready: prepares them itself (release r1)'],
    ],
    [{ type: 'host.files', ...host, state: 'waiting', release: 'r1' }, ['api-1: waits for its files (release r1)']],
    [{ type: 'host.booted', ...host, durationMs: 80 }, ['api-1: boot script done in 80 ms']],
    [{ type: 'host.healthy', ...host, ...where, durationMs: 900 }, ['api-1: healthy on 127.0.0.1:8081 after 900 ms']],
    [{ type: 'host.unchanged', ...host, ...where }, ['api-1: unchanged on 127.0.0.1:8081']],
    [
      { type: 'host.failed', ...host, reason: 'its boot script exited with 1', log: ['no such file', 'bye'] },
      ['api-1: failed: its boot script exited with 1'],
    ],
    [{ type: 'host.reverting', ...host, release: 'r1' }, ['api-1: going back to release r1']],
    [{ type: 'host.stopped', ...host }, ['api-1: stopped']],
    [{ type: 'database.starting', engine: 'postgres', version: '16' }, ['database: starting postgres 16']],
    [
      { type: 'database.ready', engine: 'postgres', version: '16', address: '127.0.0.1', port: 5432 },
      ['database: ready on 127.0.0.1:5432'],
    ],
    [{ type: 'database.stopped', engine: 'postgres' }, ['database: stopped']],
    [{ type: 'notice', message: 'by the way' }, ['by the way']],
    [{ type: 'warning', message: 'careful', hint: 'look there' }, ['warning: careful', '  look there']],
    [{ type: 'log', source: 'api-1', line: 'listening' }, ['api-1 | listening']],
    [
      { type: 'check', name: 'files are prepared', ok: true, durationMs: 1200, detail: '3 files' },
      ['ok          1.2 s  files are prepared (3 files)'],
    ],
    [
      { type: 'check', name: 'hosts are healthy', ok: false, durationMs: 61_000 },
      ['FAIL   1 min 01 s  hosts are healthy'],
    ],
    [
      { type: 'check', name: 'rollback', ok: true, skipped: true, durationMs: 0, detail: 'no hosts' },
      ['skip         0 ms  rollback (no hosts)'],
    ],
  ])('%o', (event, lines) => {
    expect(eventLines(event, { style: plainStyle, verbose: false })).toEqual(lines);
  });

  test.each<PrestageEvent>([
    { type: 'worker.started', run: 'x', release: 'r1', packages: 2 },
    { type: 'package.started', package: 'a', tree: 'a-1', bytesTotal: 1e6, filesTotal: 3 },
    { type: 'release.published', release: 'r1', packages: 2 },
    { type: 'worker.finished', run: 'x', release: 'r1', durationMs: 5 },
    { type: 'worker.failed', run: 'x', release: 'r1', error: { code: 'DISK_FULL', message: 'no', context: {} } },
    { type: 'stack.resource', stack: 's', resource: 'Vpc', resourceType: 'AWS::EC2::VPC', status: 'CREATE_COMPLETE' },
    {
      type: 'stack.resource',
      stack: 's',
      resource: 'Vpc',
      resourceType: 'AWS::EC2::VPC',
      status: 'CREATE_FAILED',
      reason: 'Resource creation cancelled',
    },
  ])('of $type only with --verbose', (event) => {
    expect(eventLines(event, { style: plainStyle, verbose: false })).toEqual([]);
    expect(eventLines(event, { style: plainStyle, verbose: true })).toHaveLength(1);
  });

  test('colour only marks: without it the text is the same', () => {
    const event: PrestageEvent = {
      type: 'package.detected',
      package: 'a',
      tree: 'a-1',
      action: 'reuse',
      reason: 'ready as a-1',
    };
    expect(eventLines(event, { style: colourStyle, verbose: false })).toEqual([
      '\u001b[32mreuse  \u001b[39m   a \u001b[2m(ready as a-1)\u001b[22m',
    ]);
  });
});
