import { describe, expect, test, vi } from 'vitest';
import { captured } from '../../test/captured.js';
import { PrestageError } from '../core/errors.js';
import type { PrestageEvent } from '../core/events.js';
import type { CommandOptions } from '../deploy/index.js';
import { execute } from './command-line.js';

/** What `deploy` does in a test. */
const behaviour: { deploy(options: CommandOptions): unknown } = { deploy: () => {} };
vi.mock('../deploy/index.js', () => ({
  deploy: async (options: CommandOptions) => behaviour.deploy(options),
  plan: async (options: CommandOptions) => behaviour.deploy(options),
}));

const FORMS = {
  'a URL': 'https://user:s3cret@host.example/x?X-Amz-Signature=s3cret&X-Amz-Security-Token=s3cret',
  'a request line': 'GET /x?X-Amz-Credential=s3cret%2F20261125&X-Amz-Signature=s3cret HTTP/1.1',
  'a header': 'Authorization: Bearer s3cret',
  'a signed header': 'authorization: AWS4-HMAC-SHA256 Credential=s3cret/eu, SignedHeaders=host, Signature=s3cret',
  'headers as Node prints them': "{ 'x-amz-security-token': 's3cret', authorization: 'Basic s3cret' }",
  'keys as a shell has them':
    'AWS_ACCESS_KEY_ID=AKIAS3CRETS3CRETS3CR AWS_SECRET_ACCESS_KEY=s3cret AWS_SESSION_TOKEN=s3cret',
  'keys as AWS answers': '{"AccessKeyId":"ASIAS3CRETS3CRETS3CR","SecretAccessKey":"s3cret","SessionToken":"s3cret"}',
  'a database': 'postgres://user:s3cret@127.0.0.1:5432/db',
};

/** One of every kind, with the text in all of its members that are text. */
function events(text: string): PrestageEvent[] {
  const host = { host: text, service: text, index: 0 };
  const place = { ...host, address: text, port: 1 };
  const error = new PrestageError('INTERNAL', text, { hint: text, context: { found: text, log: [text] } }).serialize();
  const all: { [Type in PrestageEvent['type']]: Extract<PrestageEvent, { type: Type }> } = {
    'source.locked': { type: 'source.locked', source: text, sha256: text, previous: text },
    'package.detected': { type: 'package.detected', package: text, tree: text, action: 'prepare', reason: text },
    'phase.started': { type: 'phase.started', phase: 1, release: text, reason: text },
    'phase.finished': { type: 'phase.finished', phase: 1, release: text, outcome: text, durationMs: 1 },
    'release.current': { type: 'release.current', release: text, previous: text },
    'worker.started': { type: 'worker.started', run: text, release: text, packages: 1 },
    'worker.attached': { type: 'worker.attached', run: text, release: text },
    'store.collected': { type: 'store.collected', removed: 1 },
    'store.measured': { type: 'store.measured', bytes: 1, files: 1, freeBytes: 1 },
    'package.started': { type: 'package.started', package: text, tree: text },
    'package.progress': { type: 'package.progress', package: text, bytes: 1, files: 1 },
    'package.retry': { type: 'package.retry', package: text, attempt: 1, delayMs: 1, reason: text },
    'package.step': { type: 'package.step', package: text, step: 1, kind: text, files: 1, changes: 1, summary: text },
    'package.changed': {
      type: 'package.changed',
      package: text,
      step: 1,
      files: [{ path: text, change: 'changed', diff: [text] }],
      more: 0,
    },
    'package.published': {
      type: 'package.published',
      package: text,
      tree: text,
      digest: text,
      reused: false,
      files: 1,
      bytes: 1,
      durationMs: 1,
    },
    'release.published': { type: 'release.published', release: text, packages: 1 },
    'worker.finished': { type: 'worker.finished', run: text, release: text, durationMs: 1 },
    'worker.failed': { type: 'worker.failed', run: text, release: text, error },
    'digest.started': { type: 'digest.started', source: text, bytesTotal: 1 },
    'digest.progress': { type: 'digest.progress', source: text, bytes: 1, bytesTotal: 1 },
    'digest.finished': { type: 'digest.finished', source: text, bytes: 1, durationMs: 1 },
    'fetch.started': { type: 'fetch.started', package: text },
    'fetch.progress': { type: 'fetch.progress', package: text, bytes: 1 },
    'fetch.finished': { type: 'fetch.finished', package: text, bytes: 1, durationMs: 1 },
    'upload.started': { type: 'upload.started', source: text, bytesTotal: 1 },
    'upload.progress': { type: 'upload.progress', source: text, bytes: 1, bytesTotal: 1 },
    'upload.finished': { type: 'upload.finished', source: text, bytes: 1, durationMs: 1 },
    'machine.launched': { type: 'machine.launched', run: text, instance: text, instanceType: text },
    'machine.stage': { type: 'machine.stage', run: text, stage: text, detail: text },
    'machine.ended': { type: 'machine.ended', run: text, instance: text },
    'stack.started': { type: 'stack.started', stack: text, action: 'create' },
    'stack.resource': {
      type: 'stack.resource',
      stack: text,
      resource: text,
      resourceType: text,
      status: 'CREATE_FAILED',
      reason: text,
    },
    'stack.finished': { type: 'stack.finished', stack: text, status: text, durationMs: 1 },
    'host.starting': { type: 'host.starting', ...place, replaces: false },
    'host.files': { type: 'host.files', ...host, state: 'ready', release: text },
    'host.booted': { type: 'host.booted', ...host, durationMs: 1 },
    'host.healthy': { type: 'host.healthy', ...place, durationMs: 1 },
    'host.unchanged': { type: 'host.unchanged', ...place },
    'host.failed': { type: 'host.failed', ...host, reason: text, log: [text, text] },
    'host.reverting': { type: 'host.reverting', ...host, release: text },
    'host.stopped': { type: 'host.stopped', ...host },
    'database.starting': { type: 'database.starting', engine: text, version: text },
    'database.ready': { type: 'database.ready', engine: text, version: text, address: text, port: 1 },
    'database.stopped': { type: 'database.stopped', engine: text },
    notice: { type: 'notice', message: text },
    warning: { type: 'warning', message: text, hint: text },
    log: { type: 'log', source: text, line: text },
    check: { type: 'check', name: text, ok: false, durationMs: 1, detail: text },
  };
  return Object.values(all);
}

/** An error with the text wherever an error can have one; its stack and its causes' begin with their messages. */
function failure(text: string): PrestageError {
  const parts = new AggregateError([new Error(text), text], text);
  const cause = new Error(text, { cause: new TypeError(text, { cause: parts }) });
  return new PrestageError('STORE_IO', text, {
    hint: text,
    cause,
    context: {
      package: text,
      url: text,
      path: text,
      expected: text,
      found: text,
      detail: text,
      log: [text, text],
      existing: [text],
      response: { status: 403, headers: { Authorization: 's3cret', 'Set-Cookie': ['s3cret'] }, lines: [[text]] },
      [text]: text,
    },
  });
}

const MODES = ['', '-v', '-q', '--json', '--json -v'];

describe.each(Object.entries(FORMS))('%s', (_, text) => {
  test.each(MODES)('is in nothing that comes out with [%s]', async (mode) => {
    for (const terminal of [undefined, { columns: 60, rows: 24 }]) {
      for (const thrown of [failure(text), new Error(text, { cause: failure(text) }), text]) {
        const io = captured(terminal === undefined ? {} : { terminal });
        const isFirst = thrown instanceof PrestageError;
        behaviour.deploy = ({ emit }) => {
          if (isFirst) for (const event of events(text)) emit(event);
          throw thrown;
        };
        expect(await execute(['deploy', ...mode.split(' ').filter(Boolean)], io)).toBe(1);
        const out = io.stdout.text + io.stderr.text;
        expect(out).toContain('***');
        // On a terminal a long word is broken: look at the text as it was before.
        expect(out.replace(/\s+/g, '')).not.toMatch(/s3cret/i);
      }
    }
  });

  test.each(MODES)('is in no result with [%s]', async (mode) => {
    const io = captured({ terminal: { columns: 60, rows: 24 } });
    const phase2 = {
      action: 'apply',
      reason: text,
      hosts: [{ host: 'a-0', service: 'a', action: 'create', reason: text }],
      database: 'upgrade',
      databaseDetail: text,
      changes: [{ what: text, key: text, before: text, after: text }],
    };
    behaviour.deploy = () => ({
      environment: 'local',
      release: 'r1',
      sources: [{ source: text, sha256: 'a', previous: 'b' }],
      notAsked: [text],
      phase1: {
        needed: true,
        packages: [
          {
            id: 'a',
            action: 'prepare',
            tree: 'a-1',
            source: text,
            reason: text,
            changes: [{ what: text, key: text, before: text, after: text }],
          },
        ],
        scripts: [{ what: text, before: text, after: text, diff: [text] }],
      },
      phase2,
    });
    expect(await execute(['plan', ...mode.split(' ').filter(Boolean)], io)).toBe(0);
    expect((io.stdout.text + io.stderr.text).replace(/\s+/g, '')).not.toMatch(/s3cret/i);
  });
});

describe('with --verbose an error names where it was thrown', () => {
  const thrower = () => new PrestageError('STORE_IO', 'Oops.\nat noon.');

  test.each([
    ['as it is', (error: PrestageError) => error],
    ['with more of its place', (error: PrestageError) => error.within({ package: 'app' }).within({ step: 1 })],
    ['in other words', (error: PrestageError) => error.with({ message: 'Oops again.' })],
    [
      'from a worker',
      (error: PrestageError) => PrestageError.deserialize(JSON.parse(JSON.stringify(error.serializeWithOrigin()))),
    ],
  ])('%s', async (_, change) => {
    const io = captured();
    behaviour.deploy = () => {
      throw change(thrower());
    };
    await execute(['deploy', '-v'], io);
    expect(io.stderr.lines.find((line) => /^ +at .*:\d+:\d+/.test(line))).toMatch(
      /at thrower \(.*secrets\.test\.ts:\d+/,
    );
    await execute(['deploy', '--json'], io);
    expect(io.stdout.text).not.toContain('secrets.test.ts');
  });
});
