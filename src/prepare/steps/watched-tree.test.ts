import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sha256 } from '../../core/digest.js';
import type { PrestageEvent } from '../../core/events.js';
import type { RecipeStep } from '../../plan/index.js';
import { StagedTree } from '../tree/staged-tree.js';
import { applySteps } from './index.js';

let folder: string;
let tree: StagedTree;
const inputs = new Map<string, Buffer>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-watched-'));
  mkdirSync(join(folder, 'tree'));
  tree = new StagedTree(join(folder, 'tree'), { concurrency: 4 });
});

afterEach(() => rmSync(folder, { recursive: true }));

async function given(files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(files)) await tree.write(path, Buffer.from(content));
}

function input(content: string): string {
  const digest = sha256(content);
  inputs.set(digest, Buffer.from(content));
  return digest;
}

async function changesOf(...steps: RecipeStep[]) {
  const events: PrestageEvent[] = [];
  await applySteps({
    package: 'app',
    steps,
    tree,
    readInput: async (digest) => inputs.get(digest) ?? Buffer.alloc(0),
    folderInput: async () => '',
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
  });
  await tree.settled();
  return events.flatMap((event) => (event.type === 'package.changed' ? [event] : []));
}

const replace = (from: string, to: string, files = ['**']): RecipeStep => ({
  kind: 'replace',
  files,
  from,
  to,
  regex: false,
  optional: false,
});

test('a step tells of the files that it changed, with the lines', async () => {
  await given({
    'conf/a.properties': 'host=old\nport=1\n',
    'conf/b.properties': 'other=1\n',
    'bin/x': Buffer.from([0, 1]),
  });
  const [event] = await changesOf(replace('old', 'new'));
  expect(event).toEqual({
    type: 'package.changed',
    package: 'app',
    step: 1,
    files: [
      { path: 'conf/a.properties', change: 'changed', diff: ['@@ -1,2 +1,2 @@', '-host=old', '+host=new', ' port=1'] },
    ],
    more: 0,
  });
});

test('what two steps do to one file is told of each alone', async () => {
  await given({ a: 'one\ntwo\n' });
  const events = await changesOf(replace('one', '1'), replace('two', '2'));
  expect(events.map(({ files }) => files[0]?.diff)).toEqual([
    ['@@ -1,2 +1,2 @@', '-one', '+1', ' two'],
    ['@@ -1,2 +1,2 @@', ' 1', '-two', '+2'],
  ]);
});

test('a patch tells of the files that it makes and removes', async () => {
  await given({ gone: 'x\n' });
  const patch = '--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n--- /dev/null\n+++ b/made\n@@ -0,0 +1 @@\n+y\n';
  const patches = [{ name: 'p.patch', sha256: input(patch) }];
  const [event] = await changesOf({ kind: 'patch', patches, strip: 1, fuzz: 0, optional: false });
  expect(event?.files).toEqual([
    { path: 'gone', change: 'removed' },
    { path: 'made', change: 'added', diff: ['@@ -0,0 +1,1 @@', '+y'] },
  ]);
});

test('a template is compared with what it was made from', async () => {
  await given({ 'conf/x.ini.tmpl': 'a={{ host }}\nb=1\n' });
  const step: RecipeStep = { kind: 'template', files: ['**/*.tmpl'], values: { host: 'h' }, optional: false };
  const [event] = await changesOf(step);
  expect(event?.files).toEqual([
    { path: 'conf/x.ini', change: 'added', diff: ['@@ -1,2 +1,2 @@', '-a={{ host }}', '+a=h', ' b=1'] },
    { path: 'conf/x.ini.tmpl', change: 'removed' },
  ]);
});

test('modes, and files that are copied in, are told of without their lines', async () => {
  await given({ run: 'x' });
  const from = { kind: 'file' as const, name: 'secret.pem', sha256: input('s3cret') };
  const events = await changesOf(
    { kind: 'chmod', files: ['run'], mode: 0o755, optional: false },
    { kind: 'copy', from, to: '', optional: false },
  );
  expect(events.map(({ files }) => files)).toEqual([
    [{ path: 'run', change: 'mode' }],
    [{ path: 'secret.pem', change: 'added' }],
  ]);
});

test('secrets are not in it, by the names of keys and by the values of the step', async () => {
  await given({ 'a.properties': 'db.password=old-s3cret\nurl=x\n', 'b.xml': '<c><entry>old-s3cret</entry></c>\n' });
  const events = await changesOf(
    { kind: 'set', files: ['a.properties'], values: { 'db.password': 'new-s3cret' }, add: false, optional: false },
    replace('old-s3cret', 'https://me:new-s3cret@host/', ['b.xml']),
  );
  expect(JSON.stringify(events[0])).not.toContain('s3cret');
  expect(JSON.stringify(events)).not.toContain('new-s3cret');
});

test('of very many files some are named and the others counted, and diffs end', async () => {
  const line = `word ${'x'.repeat(300)}\n`;
  await given(Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`f${i}`, line])));
  const [event] = await changesOf(replace('word', 'other'));
  expect([event?.files.length, event?.more]).toEqual([500, 200]);
  const length = JSON.stringify(event).length;
  expect(length).toBeGreaterThan(64 * 1024);
  expect(length).toBeLessThan(2 * 64 * 1024);
});

test('a file that is too long, or no text, has no diff', async () => {
  const long = `old\n${'line\n'.repeat(60_000)}`;
  await given({ long, binary: Buffer.from('old\0'), text: 'old\n' });
  const [event] = await changesOf(replace('old', 'new'));
  expect(event?.files.map(({ path, diff }) => [path, diff !== undefined])).toEqual([
    ['binary', false],
    ['long', false],
    ['text', true],
  ]);
});
