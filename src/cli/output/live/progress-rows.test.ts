import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PrestageEvent } from '../../../core/events.js';
import { plainStyle } from '../text/style.js';
import { applyToActivity, newActivity } from './activity.js';
import { progressRows } from './progress-rows.js';

const options = { width: 120, height: 20, nowMs: 4000, style: plainStyle, unicode: true };

/** Events a second apart. */
function activityAfter(...events: PrestageEvent[]) {
  const activity = newActivity();
  for (const [second, event] of events.entries()) applyToActivity(activity, event, second * 1000);
  return activity;
}

const atWork = () =>
  activityAfter(
    { type: 'package.started', package: 'installer', tree: 'i-1', bytesTotal: 1.7e9 },
    { type: 'package.progress', package: 'installer', bytes: 4e8, bytesTotal: 1.7e9, files: 600 },
    { type: 'package.progress', package: 'installer', bytes: 8e8, bytesTotal: 1.7e9, files: 1204 },
    { type: 'package.started', package: 'db', tree: 'd-1' },
    { type: 'host.starting', host: 'api-0', service: 'api', index: 0, address: '127.0.0.1', port: 1, replaces: false },
  );

describe('live progress', () => {
  test('has a row for each package, one for all together, and a row for each host', () => {
    expect(progressRows(atWork(), options)).toEqual([
      '0 of 2 packages  ──────────────────────────────   0%            763 MiB  1,204 files  381 MiB/s',
      'installer        ━━━━━━━━━━━━━━────────────────  47%  763 MiB / 1.6 GiB  1,204 files  381 MiB/s  3 s left',
      'db               ──────────────────────────────                     0 B      0 files',
      'api-0            starting    0 s',
    ]);
  });

  test('leaves out what there is no room for', () => {
    expect(progressRows(atWork(), { ...options, width: 59 })).toEqual([
      '0 of 2 packages  ────────────────   0%  381 MiB/s',
      'installer        ━━━━━━━─────────  47%  381 MiB/s  3 s left',
      'db               ────────────────',
      'api-0            starting    0 s',
    ]);
    expect(progressRows(atWork(), { ...options, width: 32 })).toEqual([
      '0 of 2 packages   0%',
      'installer        47%  3 s left',
      'db',
      'api-0            starting    0 s',
    ]);
  });

  test('is drawn with ASCII where the terminal has no more', () => {
    expect(progressRows(atWork(), { ...options, width: 59, unicode: false })[1]).toBe(
      'installer        =======---------  47%  381 MiB/s  3 s left',
    );
  });

  test('counts the rows that do not fit', () => {
    expect(progressRows(atWork(), { ...options, height: 3 })).toEqual([
      expect.stringContaining('0 of 2 packages'),
      expect.stringContaining('installer'),
      '… and 2 more',
    ]);
  });

  test('has the whole, those at work and what waits, of a hundred packages on a terminal of 24 rows', () => {
    const names = Array.from({ length: 100 }, (_, i) => `package-${i}`);
    const activity = activityAfter(
      ...names.map((name) => ({
        type: 'package.detected' as const,
        package: name,
        tree: name,
        action: 'prepare' as const,
        reason: '',
        bytes: 1000,
      })),
      ...names.slice(0, 8).map((name) => ({
        type: 'package.started' as const,
        package: name,
        tree: name,
        bytesTotal: 1000,
      })),
      { type: 'package.progress', package: 'package-0', bytes: 500, bytesTotal: 1000, files: 3 },
    );
    const rows = progressRows(activity, { ...options, width: 79, height: 22 });
    expect(rows).toHaveLength(10);
    expect(rows[0]).toMatch(/^0 of 100 packages {2}─+ {3}0% {2}500 B \/ 98 KiB/);
    expect(rows[1]).toMatch(/^package-0 +━+─+ {2}50%/);
    expect(rows[9]).toBe('waiting: package-8, package-9, package-10, package-11, package-12 and 87 more');
  });

  test('counts what is prepared already as done, and forgets a rate that an attempt from the start would make negative', () => {
    const activity = activityAfter(
      { type: 'package.detected', package: 'a', tree: 'a', action: 'prepare', reason: '', bytes: 100 },
      { type: 'package.detected', package: 'b', tree: 'b', action: 'prepare', reason: '', bytes: 300 },
      { type: 'package.started', package: 'b', tree: 'b', bytesTotal: 300 },
      { type: 'package.progress', package: 'b', bytes: 200, files: 1 },
      {
        type: 'package.published',
        package: 'a',
        tree: 'a',
        digest: '',
        reused: true,
        files: 7,
        bytes: 900,
        durationMs: 1,
      },
    );
    expect(progressRows(activity, options)[0]).toMatch(/^1 of 2 packages .* 75% {2}300 B \/ 400 B {2}8 files/);
    applyToActivity(activity, { type: 'package.progress', package: 'b', bytes: 10, files: 1 }, 5000);
    expect(progressRows(activity, options)[0]).toMatch(/ 27% {2}110 B \/ 400 B {2}8 files$/);
  });

  test('says what a package is at when it is not reading', () => {
    const activity = atWork();
    applyToActivity(
      activity,
      { type: 'package.step', package: 'installer', step: 2, kind: 'patch', files: 1, changes: 1, summary: '1 hunk' },
      4000,
    );
    expect(progressRows(activity, { ...options, width: 59 })[1]).toBe(
      'installer        ━━━━━───────  47%  381 MiB/s  step 2 patch',
    );
  });

  test('gives names the room that a wide terminal has, and cuts their middles on a narrow one', () => {
    const names = ['middleware-configuration-production', 'middleware-configuration-acceptance'];
    const activity = activityAfter(
      ...names.map((name) => ({ type: 'package.started' as const, package: name, tree: name, bytesTotal: 1000 })),
    );
    const at = (width: number) =>
      progressRows(activity, { ...options, width })
        .slice(1)
        .map((row) => row.split(' ')[0]);
    expect(at(200)).toEqual(names);
    expect(at(40)).toEqual([expect.stringMatching(/^middle.*~.*tion$/), expect.stringMatching(/^middle.*~.*ance$/)]);
    expect(new Set(at(40)).size).toBe(2);
  });

  test('has a row for a source that is fetched to be pinned, until it is', () => {
    const activity = activityAfter(
      { type: 'fetch.started', package: 'app', bytesTotal: 2048 },
      { type: 'fetch.progress', package: 'app', bytes: 1024, bytesTotal: 2048 },
    );
    expect(progressRows(activity, options)[0]).toMatch(/^fetch app {2}━+─+ {2}50% {2}1\.0 KiB \/ 2\.0 KiB/);
    applyToActivity(activity, { type: 'fetch.finished', package: 'app', bytes: 2048, durationMs: 9 }, 5000);
    expect(progressRows(activity, options)).toEqual([]);
  });

  test('has a row for a large file that is read for its digest, until it is', () => {
    const activity = activityAfter(
      { type: 'digest.started', source: 'files/app.jar', bytesTotal: 2048 },
      { type: 'digest.progress', source: 'files/app.jar', bytes: 512, bytesTotal: 2048 },
    );
    expect(progressRows(activity, options)[0]).toMatch(/^digest files\/app\.jar {2}━+─+ {2}25% {2}512 B \/ 2\.0 KiB/);
    applyToActivity(activity, { type: 'digest.finished', source: 'files/app.jar', bytes: 2048, durationMs: 9 }, 5000);
    expect(progressRows(activity, options)).toEqual([]);
  });

  test('writes all numbers of a line in one way', () => {
    const activity = activityAfter({
      type: 'package.progress',
      package: 'a',
      bytes: 1,
      bytesTotal: 2,
      files: 1204,
      filesTotal: 24_080,
    });
    expect(progressRows(activity, options)[0]).toContain('1,204 / 24,080 files');
  });

  test('forgets what has ended', () => {
    const activity = atWork();
    const ended: PrestageEvent[] = [
      {
        type: 'package.published',
        package: 'installer',
        tree: 'i',
        digest: '',
        reused: false,
        files: 1,
        bytes: 1,
        durationMs: 1,
      },
      { type: 'worker.finished', run: 'x', release: 'r', durationMs: 1 },
      { type: 'host.healthy', host: 'api-0', service: 'api', index: 0, address: '', durationMs: 1 },
    ];
    for (const event of ended) applyToActivity(activity, event, 5000);
    expect(progressRows(activity, options)).toEqual([]);
  });

  test('has a rate of the last seconds, not of the whole', () => {
    const activity = newActivity();
    applyToActivity(activity, { type: 'package.started', package: 'a', tree: 'a-1', bytesTotal: 1e9 }, 0);
    for (let second = 1; second <= 20; second++) {
      const bytes = second < 10 ? second * 1e7 : 9e7;
      applyToActivity(
        activity,
        { type: 'package.progress', package: 'a', bytes, bytesTotal: 1e9, files: 0 },
        second * 1000,
      );
    }
    expect(progressRows(activity, options)[0]).toContain('  0 B/s');
  });

  test('never has a row wider than the terminal, nor more rows than it is high', () => {
    const anyPackage = fc.record({
      package: fc.stringMatching(/^[a-z][a-z0-9-]{0,40}$/),
      bytes: fc.nat(2 ** 45),
      bytesTotal: fc.option(fc.nat(2 ** 45), { nil: undefined }),
      files: fc.nat(1e7),
    });
    fc.assert(
      fc.property(
        fc.array(anyPackage, { maxLength: 8 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 9 }),
        (packages, width, height) => {
          const activity = newActivity();
          for (const { bytesTotal, ...item } of packages) {
            const event = {
              type: 'package.progress' as const,
              ...item,
              ...(bytesTotal === undefined ? {} : { bytesTotal }),
            };
            applyToActivity(activity, event, 0);
            applyToActivity(activity, { ...event, bytes: event.bytes + 1000 }, 700);
            applyToActivity(
              activity,
              {
                type: 'host.starting',
                host: `${item.package}-0`,
                service: 's',
                index: 0,
                address: '',
                replaces: false,
              },
              700,
            );
          }
          const rows = progressRows(activity, { ...options, width, height });
          expect(rows.length).toBeLessThanOrEqual(height);
          for (const row of rows) expect(row.length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});
