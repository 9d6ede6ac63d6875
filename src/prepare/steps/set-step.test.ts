import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StepOf } from '../../plan/index.js';
import { StagedTree } from '../tree/staged-tree.js';
import { applySetStep } from './set-step.js';

let folder: string;
let tree: StagedTree;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-set-'));
  tree = new StagedTree(folder, { concurrency: 4 });
});

afterEach(() => rmSync(folder, { recursive: true }));

function apply(step: Partial<StepOf<'set'>>) {
  const context = {
    readInput: async () => Buffer.alloc(0),
    folderInput: async () => '',
    signal: new AbortController().signal,
  };
  return applySetStep(
    { kind: 'set', files: ['**'], values: { port: 2 }, add: false, optional: false, ...step },
    { tree, ...context },
  );
}

async function text(path: string): Promise<string> {
  return (await tree.read(path)).toString();
}

test('takes the format from the name, or as it is told', async () => {
  await tree.write('a.json', Buffer.from('{"port": 1}'));
  await tree.write('b.YML', Buffer.from('port: 1 # keep\n'));
  await tree.write('c.env', Buffer.from('port=1\n'));
  expect(await apply({ files: ['a.json', 'b.YML'] })).toMatchObject({
    files: 2,
    changes: 2,
    summary: '2 keys in 2 files',
  });
  await apply({ files: ['c.env'], format: 'properties' });
  expect([await text('a.json'), await text('b.YML'), await text('c.env')]).toEqual([
    '{"port": 2}',
    'port: 2 # keep\n',
    'port=2\n',
  ]);
});

test('adds keys where it is told to, and names them', async () => {
  await tree.write('a.json', Buffer.from('{"port": 1}'));
  expect((await apply({ values: { prot: 2, port: 3 }, add: true })).summary).toBe('2 keys in 1 file (added: prot)');
});

test.each([
  ['a.properties', 'db.port=1\nx=2\n', 'db.prot', 'db.port'],
  ['a.ini', '[mysqld]\nport=1\n', 'mysqld.prot', 'mysqld.port'],
  ['a.json', '{"servers": [{"port": 1}]}', 'servers.0.prot', 'servers.0.port'],
  ['a.yml', 'server:\n  "a.b": 1\n', 'server."a.c"', 'server."a.b"'],
  ['a.toml', '[server]\nport = 1\n', 'server.prot', 'server.port'],
])('refuses a key that is not in %s, and names the nearest', async (file, content, key, near) => {
  await tree.write('other', Buffer.from(''));
  await tree.write(file, Buffer.from(content));
  await expect(apply({ files: [file], values: { [key]: 2 } })).rejects.toMatchObject({
    code: 'STEP_INVALID',
    message: `${file} has no key ${key}.`,
    hint: `Nearest: ${near} for ${key}. Correct the name, or give the step \`add: true\` to add what is not there.`,
    context: { file, key, expected: near },
  });
  expect(await text(file)).toBe(content);
});

test('refuses a key that is in one of its files and not in another, also where the step is optional', async () => {
  await tree.write('a.json', Buffer.from('{"port": 1}'));
  await tree.write('b.json', Buffer.from('{"host": "x"}'));
  await expect(apply({ optional: true })).rejects.toMatchObject({ code: 'STEP_INVALID', context: { file: 'b.json' } });
  expect(await text('a.json')).toBe('{"port": 1}');
});

test('refuses a name that says no format', async () => {
  await tree.write('app.conf', Buffer.from('port=1\n'));
  await expect(apply({})).rejects.toMatchObject({
    code: 'STEP_INVALID',
    hint: expect.stringContaining('format: properties'),
  });
});

test('changes no file where one of them is broken, and names that one', async () => {
  await tree.write('a.json', Buffer.from('{"port": 1}'));
  await tree.write('b.json', Buffer.from('{"port": '));
  await expect(apply({})).rejects.toMatchObject({ code: 'STEP_INVALID', context: { file: 'b.json' } });
  expect(await text('a.json')).toBe('{"port": 1}');
});

test('says that it changed nothing where every key has its value', async () => {
  await tree.write('a.json', Buffer.from('{"port": 2}'));
  expect(await apply({})).toMatchObject({
    files: 0,
    changes: 0,
    nothing: { reason: 'every key has its value already' },
  });
});
