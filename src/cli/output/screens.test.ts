import { describe, expect, test } from 'vitest';
import { PrestageError } from '../../core/errors.js';
import { errorBlock } from './error-block.js';
import { applyToActivity, newActivity } from './live/activity.js';
import { progressRows } from './live/progress-rows.js';
import { doctorTable } from './tables/doctor-table.js';
import { planTables } from './tables/plan-tables.js';
import { statusTables } from './tables/status-tables.js';
import { pruneTable, releasesTable, verifyTable } from './tables/store-tables.js';
import { plainStyle } from './text/style.js';

/** What people see, at the widths of a phone, of half a screen, of a whole one and of a wide one, and in a pipe. */
const WIDTHS = [40, 60, 110, 200, undefined];

type Options = { style: typeof plainStyle; width?: number };

const NAMES = ['middleware-configuration-production', 'middleware-configuration-acceptance', 'broker'];
const release = '0123456789abcdef';

const screens: Record<string, (options: Options) => string[]> = {
  plan: (options) =>
    planTables(
      {
        environment: 'production',
        release,
        sources: [{ source: 'files/broker-2.41.tar.gz', sha256: 'b'.repeat(64), previous: 'a'.repeat(64) }],
        notAsked: [],
        phase1: {
          needed: true,
          packages: NAMES.map((id) => ({
            id,
            tree: `${id}-${release}`,
            action: 'prepare',
            source: 'unpack as tar.gz, strip 1',
            reason: `its source and step 2 (set) changed since release ${release}`,
            changes: [
              {
                what: 'source',
                before: `broker-2.40.tar.gz sha256:${release}`,
                after: `broker-2.41.tar.gz sha256:${release}`,
              },
              { what: 'step 2 (set)', key: 'values.broker.bind', before: '"127.0.0.1"', after: '"0.0.0.0"' },
              { what: 'step 3 (remove)', after: 'added' },
            ],
          })),
          scripts: [
            { what: 'hosts/broker.sh', before: `sha256:${release}` },
            {
              what: 'hosts/order-processing.sh',
              before: `sha256:${release}`,
              after: 'sha256:fedcba9876543210',
              diff: [
                '@@ -1,2 +1,2 @@',
                ' #!/bin/sh',
                '-exec bin/start',
                '+exec bin/start --configuration="$PRESTAGE_ROOT/opt/broker"',
              ],
            },
          ],
        },
        phase2: {
          action: 'apply',
          reason: `hosts change from release fedcba9876543210 to ${release}`,
          hosts: [
            {
              host: 'order-processing-10',
              service: 'order-processing',
              action: 'replace',
              reason: 'a package changed',
            },
            { host: 'jump-0', service: 'jump', action: 'keep', reason: 'nothing that it needs changed' },
          ],
          database: 'keep',
          changes: [
            { what: 'service order-processing', key: 'environment.LOG_LEVEL', before: '"info"', after: '"debug"' },
            { what: 'service order-processing', key: 'health.timeoutMs', before: '60000', after: '120000' },
            { what: 'service reports', after: 'added' },
          ],
          resources: [
            {
              stack: 'portal-production-infrastructure',
              resource: 'OrderProcessingLaunchTemplate',
              resourceType: 'AWS::EC2::LaunchTemplate',
              action: 'modify',
              detail: 'LaunchTemplateData.UserData, LaunchTemplateData.TagSpecifications',
            },
          ],
        },
      },
      options,
    ),
  status: (options) =>
    statusTables(
      {
        environment: 'production',
        root: '/srv/applications/portal/production/store',
        release,
        releases: ['fedcba9876543210', '00112233445566aa', release],
        temporary: [{ kind: 'worker', id: '20261124T015700Z-5f0c1b2a3d4e', detail: `prepares release ${release}` }],
        hosts: [
          {
            service: 'order-processing',
            index: 10,
            address: '127.0.0.1',
            port: 18081,
            url: 'http://127.0.0.1:18081',
            release,
            state: 'unhealthy',
            detail: 'its program ended 3 times, last with status 137',
          },
        ],
        database: { engine: 'postgres', version: '16', address: '127.0.0.1', port: 54320, state: 'running' },
      },
      options,
    ),
  releases: (options) =>
    releasesTable(
      {
        current: release,
        releases: [
          {
            release,
            createdAt: '2026-11-24T02:11:14.000Z',
            deployedAt: '2026-11-24T02:12:14.000Z',
            current: true,
            packages: NAMES.map((id) => ({ id, bytes: 1_700_000_000 })),
          },
        ],
      } as unknown as Parameters<typeof releasesTable>[0],
      options,
    ),
  verify: (options) =>
    verifyTable(
      {
        releases: [release],
        checked: 1204,
        differences: [
          {
            package: 'broker',
            tree: `broker-${release}`,
            releases: [release],
            path: 'standalone/configuration/subsystems/messaging-activemq.xml',
            file: `/srv/portal/store/trees/broker-${release}/standalone/configuration/subsystems/messaging-activemq.xml`,
            kind: 'size',
            expected: '1204',
            found: '1210',
          },
        ],
      } as unknown as Parameters<typeof verifyTable>[0],
      options,
    ),
  prune: (options) =>
    pruneTable(
      {
        keep: [{ release, reason: 'order-processing-10 runs on it' }],
        remove: [{ release: 'fedcba9876543210', createdAt: '2026-11-24T02:11:14.000Z' }],
        trees: [{ tree: `middleware-configuration-production-${release}`, bytes: 1_700_000_000 }],
        aside: [],
        bytes: 1_700_000_000,
      },
      options,
    ),
  doctor: (options) =>
    doctorTable(
      {
        environment: 'local',
        target: 'local',
        checks: [
          { check: 'free space', state: 'ok', found: '12 GiB, and room for 3000000 files, are free for /srv/portal.' },
          {
            check: 'port of order-processing',
            state: 'failed',
            found: 'Port 8080 is taken by java (process 4711).',
            remedy: 'End that program, or give the service another `port`.',
          },
        ],
      },
      options,
    ),
  error: ({ style, width = 100 }) =>
    errorBlock(
      new PrestageError('STEP_NO_EFFECT', 'The pattern matches nothing in conf/app.properties.', {
        hint: 'Look at the file as it is in the new version of the product, and correct the step.',
        context: { package: 'middleware-configuration-production', step: 3, stepKind: 'replace', expected: 'yum -y' },
      }),
      { style, width, verbose: false },
    ),
  /** Twenty packages, three of them at work, and phase 2 of another deployment. */
  live: ({ style, width = 100 }) => {
    const activity = newActivity();
    const waiting = Array.from({ length: 15 }, (_, i) => `product-${i + 1}`);
    for (const name of ['first', 'second', ...NAMES, ...waiting])
      applyToActivity(
        activity,
        { type: 'package.detected', package: name, tree: name, action: 'prepare', reason: '', bytes: 1.7e9 },
        0,
      );
    for (const name of ['first', 'second'])
      applyToActivity(
        activity,
        {
          type: 'package.published',
          package: name,
          tree: name,
          digest: '',
          reused: false,
          files: 2408,
          bytes: 3e9,
          durationMs: 1,
        },
        0,
      );
    for (const [i, name] of NAMES.entries()) {
      applyToActivity(
        activity,
        { type: 'package.started', package: name, tree: name, bytesTotal: 1.7e9, filesTotal: 2408 },
        0,
      );
      applyToActivity(activity, { type: 'package.progress', package: name, bytes: 4e8 * (i + 1), files: 1204 }, 2000);
    }
    return progressRows(activity, { width: width - 1, height: 20, nowMs: 4000, style, unicode: true });
  },
  hosts: ({ style, width = 100 }) => {
    const activity = newActivity();
    applyToActivity(activity, { type: 'phase.started', phase: 2, release, reason: '', hosts: 12 }, 0);
    applyToActivity(
      activity,
      { type: 'stack.started', stack: 'portal-production-infrastructure', action: 'update' },
      0,
    );
    applyToActivity(
      activity,
      {
        type: 'stack.resource',
        stack: 'portal-production-infrastructure',
        resource: 'OrderProcessingLaunchTemplate',
        resourceType: 'AWS::EC2::LaunchTemplate',
        status: 'UPDATE_COMPLETE',
      },
      0,
    );
    const host = { service: 'order-processing', index: 10, address: '127.0.0.1', port: 1 };
    applyToActivity(activity, { type: 'host.unchanged', ...host, host: 'jump-0' }, 0);
    for (const name of ['order-processing-10', 'order-processing-11'])
      applyToActivity(activity, { type: 'host.starting', ...host, host: name, replaces: true }, 0);
    return progressRows(activity, { width: width - 1, height: 20, nowMs: 64_000, style, unicode: true });
  },
};

describe.each(Object.keys(screens))('the screen of %s', (name) => {
  test.each(WIDTHS)('%s columns wide', async (width) => {
    const lines = screens[name]?.({ style: plainStyle, ...(width === undefined ? {} : { width }) }) ?? [];
    const golden = `golden/${name}.${width ?? 'pipe'}.txt`;
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(golden);
    if (width === undefined) return;
    // A tree's name alone is longer than a phone is wide.
    if (width > 40) expect(lines.filter((line) => line.length > width)).toEqual([]);
    // Each word of the pipe's lines is there as a whole; live rows are made of less where there is less room.
    const words = (text: readonly string[]) => new Set(text.join('\n').split(/[\s/]+/));
    const isLive = name === 'live' || name === 'hosts';
    const whole = isLive ? [] : words(screens[name]?.({ style: plainStyle }) ?? []);
    const shown = words(lines);
    // Blocks need no head for what stands above them.
    const isHead = (word: string) => /^[A-Z]+$/.test(word);
    expect([...whole].filter((word) => !shown.has(word) && !isHead(word))).toEqual([]);
  });
});
