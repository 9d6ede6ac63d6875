import type { ReportFacts } from '../../src/deploy/report/facts.js';
import { fileListOf } from '../../src/deploy/report/file-list.js';
import type { TreeTrace } from '../../src/deploy/report/trace.js';
import type { TreeEntry } from '../../src/store/index.js';

const DIGEST = 'a1b2'.repeat(16);

export const HOSTILE = '</script><img src=x onerror="document.title=\'pwned\'">';

/** What the steps of the only package did. */
const trace: TreeTrace = {
  durationMs: 1200,
  steps: [
    { type: 'package.step', time: '', package: 'app', step: 1, kind: 'patch', files: 1, changes: 1, summary: '1 hunk' },
    {
      type: 'package.changed',
      time: '',
      package: 'app',
      step: 1,
      more: 0,
      files: [{ path: 'conf/a.properties', change: 'changed', diff: ['@@ -1,1 +1,1 @@', '-a=1', `+a=${HOSTILE}`] }],
    },
    {
      type: 'package.changed',
      time: '',
      package: 'app',
      step: 2,
      more: 0,
      files: [{ path: 'conf/new.properties', change: 'added' }],
    },
  ],
};

/** A report with something of everything, and names that would run as script if they could. */
export function sampleFacts(
  files: readonly string[] = [HOSTILE, 'conf/a.properties', 'conf/new.properties'],
): ReportFacts {
  const entries = new Map<string, TreeEntry>(
    files.map((path, i) => [path, { type: 'file', mode: i % 2 ? 0o644 : 0o755, size: i * 100, sha256: DIGEST }]),
  );
  entries.set('zz-link', { type: 'link', target: HOSTILE });
  const about = { package: 'app', destination: 'opt/app', source: 'app.tar.gz', hasSteps: true };
  const changed = trace.steps.find((event) => event.type === 'package.changed');
  const spans = [
    { label: 'app', kind: 'package', fromMs: 100, toMs: 900, outcome: 'done', marks: [{ atMs: 300, label: 'step 1' }] },
    { label: HOSTILE, kind: 'transfer', fromMs: 0, toMs: 100, outcome: 'failed', marks: [] },
    { label: 'stack net', kind: 'machine', fromMs: 0, toMs: 1000, outcome: 'open', marks: [] },
    { label: 'api-0', kind: 'host', fromMs: 0, toMs: 10, outcome: 'done', marks: [] },
  ] as const;
  const chart = { startedAt: '2026-11-26T10:00:00.000Z', durationMs: 1000, outcome: 'done' as const };
  return {
    project: 'shop',
    environment: 'local',
    target: 'local',
    root: '/srv/shop',
    release: '0123456789abcdef',
    state: 'failed',
    preparedAt: '2026-11-26T10:00:01.000Z',
    preparedBy: 'prestage 0.1.0',
    madeAt: '2026-11-26T10:00:02.000Z',
    error: {
      code: 'HOST_FAILED',
      message: HOSTILE,
      hint: 'Look at it.',
      context: { log: ['last words', HOSTILE] },
    },
    prepared: { ...chart, spans: spans.map((span) => ({ ...span, marks: [...span.marks] })) },
    applied: { ...chart, outcome: 'failed', spans: [] },
    packages: [
      {
        id: 'app',
        destination: 'opt/app',
        tree: 'app-1',
        files: 3,
        bytes: 2048,
        durationMs: 1200,
        recipe: {
          source: { name: HOSTILE, sha256: DIGEST, kind: 'file' },
          handling: 'unpacked',
          steps: [
            {
              kind: 'patch',
              settings: [{ key: HOSTILE, value: HOSTILE }],
              summary: '1 hunk',
              changed: changed?.type === 'package.changed' ? changed : undefined,
            },
            { kind: 'copy', settings: [] },
          ],
        },
      },
      { id: HOSTILE, destination: 'opt/b', tree: 'b-1' },
    ],
    files: [fileListOf(about, entries, trace)],
    services: {
      services: [
        { name: 'api', role: 'service', after: [], count: 2, port: 80, environment: {}, run: 'hosts/api.sh' },
        { name: 'jump', role: 'jump', after: [], count: 1, environment: {}, needs: ['app'] },
      ],
    },
    scripts: [{ path: 'hosts/api.sh', sha256: DIGEST }],
    hosts: [
      {
        service: 'api',
        index: 0,
        address: '127.0.0.1',
        port: 80,
        url: 'http://127.0.0.1:80',
        release: 'r',
        state: 'healthy',
      },
      {
        service: 'api',
        index: 1,
        address: HOSTILE,
        port: 80,
        url: 'javascript:alert(1)',
        release: 'r',
        state: 'failed',
        detail: HOSTILE,
      },
    ],
    database: { engine: 'postgres', version: '16', address: '127.0.0.1', port: 5432, state: 'running' },
    logs: [{ source: 'api-0', lines: ['one', HOSTILE] }],
    resources: [
      {
        stack: 'net',
        resource: 'net',
        resourceType: 'AWS::CloudFormation::Stack',
        id: 'arn',
        status: 'CREATE_COMPLETE',
        link: 'https://console.example/',
      },
      {
        stack: 'net',
        resource: HOSTILE,
        resourceType: 'T',
        id: 'i-1',
        status: 'CREATE_COMPLETE',
        link: 'javascript:alert(1)',
      },
    ],
    before: {
      release: 'fedcba9876543210',
      packages: [
        {
          id: 'app',
          changes: [{ what: 'step 1 (patch)', key: 'strip', before: '1', after: HOSTILE }],
          files: { added: [HOSTILE], removed: ['old'], changed: [], modes: [] },
        },
      ],
      scripts: [],
      services: [{ what: 'service api', key: 'count', before: '1', after: '2' }],
    },
  };
}
