import { describe, expect, test } from 'vitest';
import { destroyQuestion, temporaryQuestion } from '../summaries.js';
import { plainStyle } from '../text/style.js';
import { folded } from '../text/wrap.js';
import { doctorTable } from './doctor-table.js';
import { planTables } from './plan-tables.js';
import { statusTables } from './status-tables.js';
import { pruneTable, releasesTable } from './store-tables.js';
import { table } from './table.js';

const pipe = { style: plainStyle };
const host = { service: 'api', index: 1, address: '127.0.0.1', port: 8081, release: '0123456789abcdef' };

describe('a table', () => {
  const rows = [
    ['a', 'one two three four five'],
    ['long-name', 'six'],
  ];

  test('has a line a row in a pipe, however long', () => {
    expect(table(['name', 'what'], rows)).toEqual([
      'NAME       WHAT',
      'a          one two three four five',
      'long-name  six',
    ]);
  });

  test('breaks its last column on a narrow terminal', () => {
    expect(table(['name', 'what'], rows, { width: 24 })).toEqual([
      'NAME       WHAT',
      'a          one two three',
      '           four five',
      'long-name  six',
    ]);
  });

  test('sets a broken line of a list in by more than the list', () => {
    expect(folded('  api-0  healthy  http://127.0.0.1', 20)).toEqual(['  api-0  healthy', '    http://127.0.0.1']);
  });

  test('measures text without its marks', () => {
    const marked = { text: 'a', mark: (text: string) => `<${text}>` };
    expect(
      table(
        ['name', 'what'],
        [
          [marked, 'x'],
          ['bbbbb', 'y'],
        ],
      ),
    ).toEqual(['NAME   WHAT', '<a>      x', 'bbbbb  y']);
  });
});

test('plan says what is prepared where there are no packages', () => {
  const lines = planTables(
    {
      environment: 'local',
      release: 'r1',
      sources: [],
      notAsked: [],
      phase1: { needed: true, packages: [], scripts: [] },
      phase2: { action: 'apply', reason: 'nothing runs yet', hosts: [], database: 'none', changes: [] },
    } as unknown as Parameters<typeof planTables>[0],
    { style: plainStyle },
  );
  expect(lines).toContain('Phase 1, files: needed, a release of the scripts alone');
});

test('plan lists resources where the target is made of them, and marks replacements', () => {
  const lines = planTables(
    {
      environment: 'dev',
      release: 'r1',
      sources: [],
      notAsked: [],
      phase1: { needed: false, packages: [], scripts: [] },
      phase2: {
        action: 'apply',
        reason: '2 resources change',
        hosts: [],
        database: 'none',
        changes: [],
        resources: [
          {
            stack: 's-infrastructure',
            resource: 'Api0',
            resourceType: 'AWS::EC2::Instance',
            action: 'replace',
            detail: 'UserData',
          },
          {
            stack: 's-infrastructure',
            resource: 'Zone',
            resourceType: 'AWS::Route53::HostedZone',
            action: 'add',
            detail: '',
          },
        ],
      },
    },
    pipe,
  );
  expect(lines.slice(-4)).toEqual([
    's-infrastructure',
    'RESOURCE  TYPE                      ACTION   WHAT',
    'Api0      AWS::EC2::Instance        replace  UserData',
    'Zone      AWS::Route53::HostedZone  add',
  ]);
});

test('plan says for both phases what and why', () => {
  const result = planTables(
    {
      environment: 'dev',
      release: '0123456789abcdef',
      sources: [
        { source: 'files/db.zip', sha256: 'b'.repeat(64), previous: 'a'.repeat(64) },
        { source: 'files/new.zip', sha256: 'c'.repeat(64) },
      ],
      notAsked: [],
      phase1: {
        needed: true,
        packages: [
          {
            id: 'db',
            tree: 'db-1',
            action: 'prepare',
            source: 'unpack as zip',
            reason: 'its source changed since release r0',
            changes: [{ what: 'source', before: 'db.zip sha256:aa', after: 'db.zip sha256:bb' }],
          },
        ],
        scripts: [{ what: 'boot.sh', after: 'sha256:cc' }],
      },
      phase2: {
        action: 'apply',
        reason: 'nothing is deployed',
        hosts: [{ host: 'api-1', service: 'api', action: 'create', reason: 'new' }],
        database: 'create',
        changes: [],
      },
    },
    pipe,
  );
  expect(result).toEqual([
    'Release 0123456789abcdef for dev',
    'files/db.zip is not what prestage.lock says: locked sha256:aaaaaaaaaaaaaaaa, found sha256:bbbbbbbbbbbbbbbb',
    '',
    'Phase 1, files: needed',
    'PACKAGE  ACTION   SOURCE         REASON',
    'db       prepare  unpack as zip  its source changed since release r0',
    '',
    'CHANGED  WHAT     BEFORE            NOW',
    'db       source   db.zip sha256:aa  db.zip sha256:bb',
    'scripts  boot.sh  -                 sha256:cc',
    '',
    'Phase 2, hosts: needed, nothing is deployed',
    'HOST   ACTION  REASON',
    'api-1  create  new',
    'database: create',
  ]);
});

test('status shows hosts, what ails them, and what is there for a while', () => {
  const result = statusTables(
    {
      environment: 'dev',
      root: '/srv',
      release: null,
      releases: [],
      temporary: [{ kind: 'worker', id: 'r1', detail: 'prepares a release' }],
      hosts: [
        { ...host, state: 'unhealthy', detail: 'answered 500' },
        { ...host, index: 2, url: 'http://127.0.0.1:8081', state: 'healthy' },
      ],
      database: { engine: 'postgres', version: '16', address: '127.0.0.1', port: 5432, state: 'running' },
    },
    pipe,
  );
  expect(result).toEqual([
    'environment  dev',
    'root         /srv',
    'release      none is deployed',
    'prepared     none',
    'database     postgres 16 on 127.0.0.1:5432, running',
    '',
    'HOST   ADDRESS                RELEASE           STATE',
    'api-1  127.0.0.1:8081         0123456789abcdef  unhealthy: answered 500',
    'api-2  http://127.0.0.1:8081  0123456789abcdef  healthy',
    '',
    'TEMPORARY  ID  WHAT',
    'worker     r1  prepares a release',
  ]);
});

test('releases are listed with an asterisk at the current one', () => {
  const record = { format: 1 as const, digest: '', name: 'x', createdBy: '', scripts: [] };
  const item = { id: 'db', destination: 'db', tree: '', recipe: '', digest: '', files: 1, bytes: 5e8 };
  const createdAt = '2026-11-24T02:11:14.123Z';
  const lines = releasesTable(
    {
      current: 'r2',
      releases: [
        { ...record, release: 'r1', createdAt, packages: [item], current: false, deployedAt: undefined },
        {
          ...record,
          release: 'r2',
          createdAt,
          packages: [item, { ...item, id: 'app' }],
          current: true,
          deployedAt: createdAt,
        },
      ],
    },
    pipe,
  );
  expect(lines).toEqual([
    'RELEASE  PREPARED              DEPLOYED              SIZE     PACKAGES',
    'r1       2026-11-24 02:11:14Z  no record             477 MiB  db',
    'r2 *     2026-11-24 02:11:14Z  2026-11-24 02:11:14Z  954 MiB  db, app',
  ]);
  expect(releasesTable({ current: undefined, releases: [] }, pipe)).toEqual(['No release is prepared yet.']);
});

test('prune says what stays and why, and what goes', () => {
  const plan = {
    keep: [{ release: 'r2', reason: 'current' }],
    remove: [{ release: 'r1', createdAt: '2026-11-24T02:11:14Z' }],
    trees: [{ tree: 'db-1', bytes: 3e6 }],
    aside: [],
    bytes: 3e6,
  };
  expect(pruneTable(plan, pipe)).toEqual([
    'ACTION  WHAT  WHY',
    'keep    r2    current',
    'remove  r1    prepared 2026-11-24 02:11:14Z',
    'remove  db-1  2.9 MiB, no kept release holds it',
    'frees 2.9 MiB',
  ]);
});

test('destroy asks plainly for what can be had back, and for a name where it cannot', () => {
  const plan = {
    project: 'portal',
    environment: 'dev',
    hosts: 2,
    database: true,
    releases: 3,
    root: '/srv',
    holdings: '/srv',
    temporary: ['worker i-1'],
  };
  expect(destroyQuestion({ ...plan, database: false }, false)).toEqual({
    action: 'This stops and removes 2 hosts of portal in dev. What is prepared is kept.',
  });
  expect(destroyQuestion(plan, true)).toEqual({
    action:
      "This stops and removes 2 hosts and the database of portal in dev, and all of /srv: 3 releases and the database's data. It cannot be had back.",
    expected: 'portal/dev',
  });
  expect(temporaryQuestion(plan).action).toBe(
    'This ends and removes what is temporary of portal in dev: worker i-1. A preparation that is at work fails.',
  );
  expect(temporaryQuestion({ ...plan, temporary: [] }).action).toContain('leftovers of dead runs, if any');
});

describe('doctor says of each check what was found', () => {
  const result: Parameters<typeof doctorTable>[0] = {
    environment: 'dev',
    target: 'aws',
    checks: [
      { check: 'Node', state: 'ok', found: 'Node 20.20.0 on linux, x64.' },
      {
        check: 'clock',
        state: 'warning',
        found: 'The clock of this machine is 2 minutes behind that of AWS.',
        remedy: 'Correct it: `timedatectl set-ntp true` on Linux.',
      },
      { check: 'credentials', state: 'failed', found: 'There are none.', remedy: 'Set AWS_PROFILE.' },
      { check: 'VPCs', state: 'skipped', found: 'It needs: credentials.' },
    ],
  };

  test('in a pipe, a line each, with what to do behind it', () => {
    expect(doctorTable(result, pipe)).toEqual([
      'CHECK        STATE    FOUND',
      'Node         ok       Node 20.20.0 on linux, x64.',
      'clock        warning  The clock of this machine is 2 minutes behind that of AWS. Correct it: `timedatectl set-ntp true` on Linux.',
      'credentials  failed   There are none. Set AWS_PROFILE.',
      'VPCs         skipped  It needs: credentials.',
    ]);
  });

  test('on a wide terminal, with what to do under it', () => {
    expect(doctorTable(result, { ...pipe, width: 120 })).toEqual([
      'CHECK        STATE    FOUND',
      'Node         ok       Node 20.20.0 on linux, x64.',
      'clock        warning  The clock of this machine is 2 minutes behind that of AWS.',
      '                      Correct it: `timedatectl set-ntp true` on Linux.',
      'credentials  failed   There are none.',
      '                      Set AWS_PROFILE.',
      'VPCs         skipped  It needs: credentials.',
    ]);
  });

  test('on a narrow one, broken at spaces', () => {
    expect(doctorTable(result, { ...pipe, width: 54 })).toEqual([
      'CHECK        STATE    FOUND',
      'Node         ok       Node 20.20.0 on linux, x64.',
      'clock        warning  The clock of this machine is 2',
      '                      minutes behind that of AWS.',
      '                      Correct it: `timedatectl set-ntp',
      '                      true` on Linux.',
      'credentials  failed   There are none.',
      '                      Set AWS_PROFILE.',
      'VPCs         skipped  It needs: credentials.',
    ]);
  });
});
