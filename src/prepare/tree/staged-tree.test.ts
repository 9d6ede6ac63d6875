import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../core/digest.js';
import { StagedTree } from './staged-tree.js';

let folder: string;
let tree: StagedTree;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-tree-'));
  tree = new StagedTree(folder, { concurrency: 64 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const text = (content: string) => Buffer.from(content);
const code = (expected: string) => expect.objectContaining({ code: expected });
const mode = (path: string) => statSync(join(folder, path)).mode & 0o7777;

async function* chunks(count: number, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < count; i += 1) yield Buffer.alloc(size, i);
}

describe('files', () => {
  test('are written with their parents, modes and digests', async () => {
    await tree.write('a/b/c.txt', text('hello'));
    await tree.write('a/run.sh', text('#!/bin/sh\n'), 0o755);
    await tree.settled();
    expect(readFileSync(join(folder, 'a/b/c.txt'), 'utf8')).toBe('hello');
    expect(mode('a/run.sh')).toBe(0o755);
    expect(mode('a/b')).toBe(0o755);
    expect([...tree.entries]).toEqual([
      ['a', { type: 'dir', mode: 0o755 }],
      ['a/b', { type: 'dir', mode: 0o755 }],
      ['a/b/c.txt', { type: 'file', mode: 0o644, size: 5, sha256: sha256('hello') }],
      ['a/run.sh', { type: 'file', mode: 0o755, size: 10, sha256: sha256('#!/bin/sh\n') }],
    ]);
  });

  test('that are many, in many new folders at once, all arrive', async () => {
    const paths = Array.from({ length: 3000 }, (_, i) => `d${i % 60}/e${i % 7}/f${i}`);
    await Promise.all(paths.map((path) => tree.write(path, text(path))));
    await tree.settled();
    for (const path of paths) expect(readFileSync(join(folder, path), 'utf8')).toBe(path);
  });

  test('are read as they were written last, before anything settled', async () => {
    const writes = [tree.write('x', text('one')), tree.write('x', text('two')), tree.write('x', text('three'), 0o755)];
    expect((await tree.read('x')).toString()).toBe('three');
    await Promise.all(writes);
    await tree.settled();
    expect(mode('x')).toBe(0o755);
  });

  test('that are removed one by one are gone before their folders are removed', async () => {
    const paths = Array.from({ length: 300 }, (_, i) => `d${i % 30}/e/f${i}`);
    await Promise.all(paths.map((path) => tree.write(path, text(path))));
    await tree.settled();
    await Promise.all(paths.map((path) => tree.remove(path)));
    for (let i = 0; i < 30; i += 1) await tree.remove(`d${i}/e`);
    for (let i = 0; i < 30; i += 1) await tree.remove(`d${i}`);
    await tree.settled();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('keep their mode when their content is replaced', async () => {
    await tree.write('x', text('one'), 0o444);
    await tree.write('x', text('two'));
    await tree.settled();
    expect(mode('x')).toBe(0o444);
    expect(readFileSync(join(folder, 'x'), 'utf8')).toBe('two');
  });

  test.each([
    [0, 0],
    [3, 1000],
    [4, 256 * 1024],
    [70, 100_000],
  ])('streamed in %i chunks of %i bytes are whole, with their digest', async (count, size) => {
    await tree.writeStream('s/big', chunks(count, size), 0o644);
    await tree.settled();
    const content = readFileSync(join(folder, 's/big'));
    expect(content.length).toBe(count * size);
    expect(tree.entries.get('s/big')).toEqual({
      type: 'file',
      mode: 0o644,
      size: count * size,
      sha256: sha256(content),
    });
  });

  test('whose stream fails fail the call and all that follows', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield* chunks(3, 1024 * 1024);
      throw new Error('cut');
    }
    await expect(tree.writeStream('x', broken(), 0o644)).rejects.toThrow('cut');
    await expect(tree.write('y', text(''))).rejects.toThrow('cut');
    await expect(tree.settled()).rejects.toThrow('cut');
  });
});

describe('changes', () => {
  test('remove a folder with everything in it, and make it again', async () => {
    await tree.write('a/b/one', text('1'));
    await tree.write('a/two', text('2'));
    await tree.makeLink('a/b/link', 'one');
    await tree.remove('a');
    await tree.write('a/b/three', text('3'));
    await tree.settled();
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['a', 'a/b', 'a/b/three']);
    expect([...tree.entries.keys()].sort()).toEqual(['a', 'a/b', 'a/b/three']);
  });

  test('are possible below a folder that was made read-only, which ends read-only', async () => {
    await tree.write('a/b/x', text('x'));
    await tree.chmod('a', 0o555);
    await tree.chmod('a/b', 0o500);
    await tree.settled();
    expect([mode('a'), mode('a/b')]).toEqual([0o555, 0o500]);
    await tree.write('a/b/y', text('y'));
    await tree.remove('a/b/x');
    await tree.settled();
    expect([mode('a'), mode('a/b')]).toEqual([0o555, 0o500]);
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['y']);
    await tree.remove('a');
    await tree.settled();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('give a file any permission bits', async () => {
    await tree.write('x', text(''));
    await tree.chmod('x', 0o600);
    await tree.settled();
    expect(mode('x')).toBe(0o600);
    expect(tree.entries.get('x')).toMatchObject({ mode: 0o600 });
  });

  test('of what is not there say so', async () => {
    await expect(tree.read('none')).rejects.toEqual(code('STEP_FILE_MISSING'));
    await expect(tree.remove('none')).rejects.toEqual(code('STEP_FILE_MISSING'));
    await expect(tree.chmod('none', 0o644)).rejects.toEqual(code('STEP_FILE_MISSING'));
  });
});

describe('refuses', () => {
  test.each([
    ['', 'empty'],
    ['/etc/passwd', 'absolute'],
    ['../x', 'upwards'],
    ['a/../../x', 'upwards'],
    ['a/./b', 'shortest'],
    ['a//b', 'shortest'],
    ['a/', 'shortest'],
    ['C:/x', 'drive'],
    ['c:x', 'drive'],
    ['..\\b', 'backslash'],
    ['a\\..\\b', 'backslash'],
    ['\\b', 'backslash'],
    ['\\\\server\\share', 'backslash'],
    ['a\0b', 'control'],
    ['a\nb', 'control'],
    ['a\x7fb', 'control'],
    ['\ud800', 'Unicode'],
    [`a/${'n'.repeat(256)}`, '255'],
    [`a/${'é'.repeat(128)}`, '255'],
    [`${'abcdefg/'.repeat(512)}x`, '4,096'],
  ])('the path %j', async (path, reason) => {
    const refusal = expect.objectContaining({ code: 'ARCHIVE_UNSAFE', message: expect.stringContaining(reason) });
    await expect(tree.write(path, text(''))).rejects.toEqual(refusal);
    await expect(tree.makeFolder(path)).rejects.toEqual(refusal);
    await expect(tree.makeLink(path, 'x')).rejects.toEqual(refusal);
    await expect(tree.read(path)).rejects.toEqual(refusal);
  });

  test.each(['/etc', '', 'C:/x', '..\\b', '../a\\..\\b', '\\b', 'a\0', 'a\nb'])('a link to %j', async (target) => {
    await expect(tree.makeLink('a/b', target)).rejects.toEqual(code('ARCHIVE_UNSAFE'));
  });

  test.each<[string, [string, string][]]>([
    ['straight', [['a', '../x']]],
    ['after going down', [['a/b', 'c/../../../x']]],
    [
      'through another link',
      [
        ['a/b/up', '../..'],
        ['c/out', '../a/b/up/../x'],
      ],
    ],
    [
      'through a chain',
      [
        ['deep/er/l1', '..'],
        ['l2', 'deep/er/l1/..'],
        ['l3', 'l2/../x'],
      ],
    ],
    [
      'in a circle',
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
    ],
  ])('a link out of the tree: %s', async (_, links) => {
    for (const [path, target] of links) await tree.makeLink(path, target);
    await expect(tree.settled()).rejects.toEqual(code('ARCHIVE_UNSAFE'));
  });

  test('nothing about a link that stays inside, even one whose words alone would leave', async () => {
    await tree.makeFolder('a/b/c');
    await tree.makeLink('down', 'a/b/c');
    await tree.makeLink('x', 'down/../../../target');
    await tree.makeLink('dangling', 'not/there');
    await tree.settled();
    expect(readlinkSync(join(folder, 'x'))).toBe('down/../../../target');
  });

  test('to write through a link or a file, or over a link or a folder', async () => {
    await tree.makeLink('link', 'elsewhere');
    await tree.write('file', text(''));
    await tree.makeFolder('folder');
    for (const path of ['link/x', 'link/x/y', 'file/x', 'link', 'folder']) {
      await expect(tree.write(path, text(''))).rejects.toEqual(code('ARCHIVE_UNSAFE'));
    }
    await expect(tree.makeFolder('link')).rejects.toEqual(code('ARCHIVE_UNSAFE'));
    await expect(tree.makeLink('folder', 'x')).rejects.toEqual(code('ARCHIVE_UNSAFE'));
    await expect(tree.read('link')).rejects.toEqual(code('STEP_INVALID'));
    await expect(tree.read('folder')).rejects.toEqual(code('STEP_INVALID'));
  });

  test.each([
    ['README', 'readme'],
    ['readme', 'README'],
    ['A/x', 'a/y'],
    ['straße', 'STRASSE'],
    ['strasse', 'straße'],
    ['caf\u00e9', 'cafe\u0301'],
    ['CAFE\u0301', 'caf\u00e9'],
  ])('%j beside %j', async (one, other) => {
    await tree.write(one, text(''));
    await expect(tree.write(other, text(''))).rejects.toEqual(code('ARCHIVE_UNSAFE'));
  });

  test('nothing about a name whose other spelling is gone', async () => {
    await tree.write('README', text('1'));
    await tree.remove('README');
    await tree.write('readme', text('1'));
    await tree.write('Read', text('2'));
    await tree.remove('Read');
    await tree.write('rEAD', text('3'));
    await tree.settled();
    expect(readdirSync(folder).sort()).toEqual(['rEAD', 'readme']);
  });
});
