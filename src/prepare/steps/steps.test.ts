import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sevenZip } from '../../../test/archives/seven-zip-builder.js';
import { tar } from '../../../test/archives/tar-builder.js';
import { zip } from '../../../test/archives/zip-builder.js';
import { sha256 } from '../../core/digest.js';
import { PrestageError } from '../../core/errors.js';
import type { PrestageEvent } from '../../core/events.js';
import { listFolder, type RecipeStep } from '../../plan/index.js';
import { StagedTree } from '../tree/staged-tree.js';
import { applySteps } from './index.js';

type Step<K extends RecipeStep['kind']> = Extract<RecipeStep, { kind: K }>;

let folder: string;
let tree: StagedTree;
let inputs: Map<string, Buffer>;
let folders: Map<string, string>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-steps-'));
  mkdirSync(join(folder, 'tree'));
  tree = new StagedTree(join(folder, 'tree'), { concurrency: 4 });
  inputs = new Map();
  folders = new Map();
});

afterEach(() => rmSync(folder, { recursive: true }));

async function given(files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(files)) await tree.write(path, Buffer.from(content));
}

/** Applies steps; returns what they said of themselves. What they changed is told of in watched-tree.test.ts. */
async function apply(...steps: RecipeStep[]): Promise<PrestageEvent[]> {
  const events: PrestageEvent[] = [];
  await applySteps({
    package: 'app',
    steps,
    tree,
    readInput: async (digest) => inputs.get(digest) ?? Buffer.alloc(0),
    folderInput: async (digest) => folders.get(digest) ?? '',
    emit: (event) => event.type !== 'package.changed' && events.push(event),
    signal: new AbortController().signal,
  });
  await tree.settled();
  return events;
}

async function refusal(...steps: RecipeStep[]): Promise<PrestageError> {
  try {
    await apply(...steps);
  } catch (error) {
    if (error instanceof PrestageError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

async function text(path: string): Promise<string> {
  return (await tree.read(path)).toString('utf8');
}

function paths(): string[] {
  return [...tree.entries.keys()].sort();
}

function modeOf(path: string): string {
  const entry = tree.entries.get(path);
  return entry && entry.type !== 'link' ? entry.mode.toString(8) : '';
}

const replace = (step: Partial<Step<'replace'>>): Step<'replace'> => ({
  kind: 'replace',
  files: ['**'],
  from: 'a',
  to: 'b',
  regex: false,
  optional: false,
  ...step,
});
const template = (step: Partial<Step<'template'>>): Step<'template'> => ({
  kind: 'template',
  files: ['**/*.tmpl'],
  values: {},
  optional: false,
  ...step,
});
const remove = (...files: string[]): Step<'remove'> => ({ kind: 'remove', files, optional: false });
const chmod = (mode: number, ...files: string[]): Step<'chmod'> => ({ kind: 'chmod', files, mode, optional: false });

function copyFile(name: string, content: string, to: string): Step<'copy'> {
  const digest = sha256(content);
  inputs.set(digest, Buffer.from(content));
  return { kind: 'copy', from: { kind: 'file', name, sha256: digest }, to, optional: false };
}

async function copyFolder(files: Record<string, string>, to: string): Promise<Step<'copy'>> {
  const source = mkdtempSync(join(folder, 'overlay-'));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    writeFileSync(join(source, path), content.replace(/^\*/, ''));
    if (content.startsWith('*')) chmodSync(join(source, path), 0o755);
  }
  const { sha256: digest } = await listFolder(source);
  folders.set(digest, source);
  return { kind: 'copy', from: { kind: 'folder', name: 'overlay', sha256: digest }, to, optional: false };
}

describe('steps', () => {
  test('are applied in order, and each says what it changed', async () => {
    await given({ 'bin/a.sh': 'yum -y x\nyum -y y\n', 'bin/b.sh': 'yum -y z\n', 'conf/x.tmpl': 'p={{ port }}\n' });
    const events = await apply(
      replace({ files: ['bin/*.sh'], from: 'yum -y', to: 'dnf -y', expect: 3 }),
      template({ files: ['conf/*.tmpl'], values: { port: 8080 } }),
      chmod(0o755, 'bin/*'),
    );
    expect(events).toEqual([
      {
        type: 'package.step',
        package: 'app',
        step: 1,
        kind: 'replace',
        files: 2,
        changes: 3,
        summary: '3 places in 2 files',
      },
      {
        type: 'package.step',
        package: 'app',
        step: 2,
        kind: 'template',
        files: 1,
        changes: 1,
        summary: '1 variable in 1 template',
      },
      {
        type: 'package.step',
        package: 'app',
        step: 3,
        kind: 'chmod',
        files: 2,
        changes: 2,
        summary: 'mode 755 on 2 paths',
      },
    ]);
  });

  test('that fail say package, step, kind and file', async () => {
    await given({ x: 'a', y: 'a' });
    const error = await refusal(replace({ files: ['x'] }), replace({ files: ['z'] }));
    expect(error.code).toBe('STEP_FILE_MISSING');
    expect(error.context).toMatchObject({ package: 'app', step: 2, stepKind: 'replace', file: 'z' });
  });

  const idle: Record<string, RecipeStep> = {
    replace: replace({ files: ['x'], from: 'nowhere' }),
    chmod: chmod(0o644, 'x'),
    template: template({ files: ['*.tmpl'] }),
    remove: remove('y'),
    extract: { kind: 'extract', file: 'y.zip', to: '', strip: 0, keep: false, optional: false },
    set: { kind: 'set', files: ['y.json'], values: { a: 1 }, add: false, optional: false },
    'a replacement by the same': replace({ files: ['x'], from: 'a', to: 'a' }),
    'a copy of what is there': {
      kind: 'copy',
      from: { kind: 'file', name: 'x', sha256: sha256('a') },
      to: '',
      optional: false,
    },
  };
  test.each(Object.entries(idle))('that change nothing are refused, unless they are optional: %s', async (_, step) => {
    await given({ x: 'a' });
    inputs.set(sha256('a'), Buffer.from('a'));
    const error = await refusal(step);
    expect(error.code).toMatch(/^STEP_(NO_EFFECT|FILE_MISSING)$/);
    expect(error.hint).toBeTruthy();
    const [event] = await apply({ ...step, optional: true });
    expect(event).toMatchObject({ files: 0, changes: 0, summary: expect.stringContaining('nothing to do') });
    expect(await text('x')).toBe('a');
  });

  test('stop where they are told to', async () => {
    await given({ x: 'a' });
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const job = {
      package: 'app',
      steps: [replace({})],
      tree,
      readInput: async () => Buffer.alloc(0),
      folderInput: async () => '',
    };
    await expect(applySteps({ ...job, emit: () => undefined, signal: stop.signal })).rejects.toThrow('stopped');
    expect(await text('x')).toBe('a');
  });
});

describe('patterns', () => {
  test.each([
    ['bin/*.sh', ['bin/.c.sh', 'bin/a.sh', 'bin/b.sh']],
    ['./bin/a.sh', ['bin/a.sh']],
    ['**/*.sh', ['bin/.c.sh', 'bin/a.sh', 'bin/b.sh', 'bin/sub/d.sh']],
    ['bin/{a,b}.sh', ['bin/a.sh', 'bin/b.sh']],
    ['x[1].txt', ['x[1].txt']],
    ['x\\[1\\].txt', ['x[1].txt']],
  ])('match %s', async (pattern, expected) => {
    await given({ 'bin/a.sh': '', 'bin/b.sh': '', 'bin/.c.sh': '', 'bin/sub/d.sh': '', 'x[1].txt': '', x1: '' });
    await apply(chmod(0o700, pattern));
    expect(paths().filter((path) => modeOf(path) === '700')).toEqual(expected);
  });

  test('that match nothing are answered with the nearest names', async () => {
    await given({ 'conf/server.properties': '', 'conf/client.properties': '', 'bin/run.sh': '' });
    expect((await refusal(replace({ files: ['conf/sever.properties'] }))).hint).toContain('conf/server.properties');
    expect((await refusal(replace({ files: ['config/run.sh'] }))).hint).toContain('bin/run.sh');
    expect((await refusal(replace({ files: ['conf'] }))).message).toContain('only folders');
  });

  test('each have to match', async () => {
    await given({ x: 'a' });
    expect((await refusal(replace({ files: ['x', '*.conf'] }))).context.file).toBe('*.conf');
    expect(await text('x')).toBe('a');
  });

  test('do not mean everything else when they begin with !', async () => {
    await given({ x: 'a' });
    expect((await refusal(remove('!y'))).code).toBe('STEP_FILE_MISSING');
  });
});

describe('replace', () => {
  test('takes literal text as it is', async () => {
    await given({ x: 'a.b $1 a+b' });
    await apply(replace({ from: 'a.b $1', to: '$& \\n' }));
    expect(await text('x')).toBe('$& \\n a+b');
  });

  test('leaves bytes alone that are no UTF-8', async () => {
    await given({ x: Buffer.from([0xff, 0x00, 0xe9, 0x61, 0x0d, 0x0a, 0xc3]) });
    await apply(replace({ from: 'a', to: 'é' }));
    expect(await tree.read('x')).toEqual(Buffer.from([0xff, 0x00, 0xe9, 0xc3, 0xa9, 0x0d, 0x0a, 0xc3]));
  });

  test('takes an expression, with groups, line by line', async () => {
    await given({ x: 'port=1\nhost=é\n#port=2\nport=33\n' });
    await apply(replace({ regex: true, from: '^port=(?<n>\\d+)$', to: 'port: $1$<n>', expect: 2 }));
    expect(await text('x')).toBe('port: 11\nhost=é\n#port=2\nport: 3333\n');
  });

  test('sees bytes as characters where an expression meets a file that is not UTF-8', async () => {
    await given({ x: Buffer.from('caf\xe9=\xff', 'latin1') });
    await apply(replace({ regex: true, from: 'caf(.)', to: '<$1>' }));
    expect(await tree.read('x')).toEqual(Buffer.from('<\xe9>=\xff', 'latin1'));
    expect((await refusal(replace({ regex: true, from: '=', to: '→' }))).code).toBe('STEP_INVALID');
  });

  test('keeps a byte order mark', async () => {
    await given({ x: '\ufeffa' });
    await apply(replace({ regex: true, from: 'a', to: 'b' }));
    expect(await text('x')).toBe('\ufeffb');
  });

  test('refuses another count than expected, says where it found what, and changes no file', async () => {
    await given({ x: 'a a', y: 'a', z: '' });
    const error = await refusal(replace({ expect: 2 }));
    expect(error.code).toBe('STEP_COUNT');
    expect(error.message).toContain('found 3 (x: 2, y: 1)');
    expect(error.context).toMatchObject({ expected: '2', found: '3', counts: { x: 2, y: 1, z: 0 } });
    expect(await text('x')).toBe('a a');
  });

  test('shows the nearest lines where it found nothing', async () => {
    await given({ 'bin/setup.sh': '#!/bin/sh\n  yum  -y install java\nexit 0\n' });
    for (const expectation of [{}, { expect: 1 }]) {
      const error = await refusal(replace({ from: 'yum -y install', ...expectation }));
      expect(error.hint).toContain('bin/setup.sh:2: yum  -y install java');
    }
  });

  test('refuses what is no regular expression', async () => {
    await given({ x: 'a' });
    expect(await refusal(replace({ regex: true, from: '(' }))).toMatchObject({
      code: 'STEP_INVALID',
      context: { key: 'from' },
    });
  });
});

describe('template', () => {
  test('fills in variables, keeps the mode and takes the template away', async () => {
    await given({
      'bin/run.sh.tmpl': '#!/bin/sh\nexec {{ java.home }}/bin/java -Dp={{port}} \\{{ not }} {{ empty }}é\n',
    });
    await apply(
      chmod(0o755, 'bin/run.sh.tmpl'),
      template({ values: { 'java.home': '/opt/$1', port: 80, empty: null } }),
    );
    expect(paths()).toEqual(['bin', 'bin/run.sh']);
    expect(await text('bin/run.sh')).toBe('#!/bin/sh\nexec /opt/$1/bin/java -Dp=80 {{ not }} é\n');
    expect(modeOf('bin/run.sh')).toBe('755');
  });

  test('refuses an unknown variable, with its place and the nearest name', async () => {
    await given({ 'a.tmpl': 'x\n{{ db.hots }}\n' });
    const error = await refusal(template({ values: { 'db.host': 'h' } }));
    expect(error).toMatchObject({ code: 'TEMPLATE_UNKNOWN', context: { file: 'a.tmpl', line: 2, key: 'db.hots' } });
    expect(error.hint).toContain('"db.host"');
  });

  test.each(['{{ a b }}', '{{', '{{ a\n}}', '{{}}', '{{#if}}x', '{{ constructor }}'])('refuses %j', async (content) => {
    await given({ 'a.tmpl': content });
    expect((await refusal(template({}))).code).toMatch(/^(STEP_INVALID|TEMPLATE_UNKNOWN)$/);
  });

  test('refuses values that no template uses', async () => {
    await given({ 'a.tmpl': '{{ a }}' });
    const error = await refusal(template({ values: { a: 1, b: 2 } }));
    expect(error.code).toBe('STEP_NO_EFFECT');
    expect(error.message).toContain('"b"');
    await apply({ ...template({ values: { a: 1, b: 2 } }), optional: true });
    expect(await text('a')).toBe('1');
  });

  test('refuses a file that is not named as a template', async () => {
    await given({ 'conf/a.properties': '{{ a }}' });
    expect((await refusal(template({ files: ['conf/*'], values: { a: 1 } }))).code).toBe('STEP_INVALID');
  });
});

describe('copy', () => {
  test('puts a file into a folder, or under a name', async () => {
    await apply(copyFile('x.txt', 'X', 'conf/'), copyFile('y.txt', 'Y', 'conf/z.txt'), copyFile('w.txt', 'W', ''));
    expect(paths()).toEqual(['conf', 'conf/x.txt', 'conf/z.txt', 'w.txt']);
  });

  test('keeps the mode of a file that a file replaces', async () => {
    await given({ 'run.sh': 'old' });
    await apply(chmod(0o755, 'run.sh'), copyFile('run.sh', 'new', './'));
    expect([await text('run.sh'), modeOf('run.sh')]).toEqual(['new', '755']);
  });

  test('puts what a folder holds into a folder, with its executable bits, and counts', async () => {
    await given({ 'conf/same': 's', 'conf/old': 'old' });
    const [event] = await apply(await copyFolder({ same: 's', old: 'new', 'sub/run.sh': '*r' }, 'conf'));
    expect(event).toMatchObject({ files: 2, summary: '2 files copied (1 created, 1 replaced, 1 identical)' });
    expect([await text('conf/old'), await text('conf/sub/run.sh'), modeOf('conf/sub/run.sh')]).toEqual([
      'new',
      'r',
      '755',
    ]);
  });

  test('refuses to put a file in the place of a folder', async () => {
    await given({ 'conf/x': '' });
    const error = await refusal(copyFile('y', 'Y', 'conf'));
    expect(error.code).toBe('STEP_INVALID');
    expect(error.hint).toContain('to: conf/');
  });

  test('refuses an input that is not what was pinned', async () => {
    const step = copyFile('x', 'X', '');
    inputs.set(step.from.sha256, Buffer.from('other'));
    expect((await refusal(step)).code).toBe('SOURCE_CHANGED');
    const overlay = await copyFolder({ x: 'X' }, '');
    writeFileSync(join(folders.get(overlay.from.sha256) ?? '', 'x'), 'Y');
    expect((await refusal(overlay)).code).toBe('SOURCE_CHANGED');
    expect(paths()).toEqual([]);
  });
});

describe('remove', () => {
  test.each([
    ['docs/**', ['bin', 'bin/x']],
    ['docs', ['bin', 'bin/x']],
    ['docs/*', ['bin', 'bin/x', 'docs']],
    ['**/*.md', ['bin', 'bin/x', 'docs', 'docs/sub']],
  ])('takes away what %s matches', async (pattern, left) => {
    await given({ 'docs/a.md': '', 'docs/sub/b.md': '', 'bin/x': '' });
    const [event] = await apply(remove(pattern));
    expect(paths()).toEqual(left);
    expect(event).toMatchObject({ files: 2 });
  });
});

describe('chmod', () => {
  test('sets the mode of files, and of a folder only by its own name', async () => {
    await given({ 'bin/a': '', 'bin/sub/b': '' });
    await apply(chmod(0o700, 'bin/*'), chmod(0o750, 'bin/sub'));
    expect(['bin', 'bin/a', 'bin/sub', 'bin/sub/b'].map(modeOf)).toEqual(['755', '700', '750', '644']);
  });

  test('counts what it changed only', async () => {
    await given({ a: '', b: '' });
    const [, event] = await apply(chmod(0o755, 'a'), chmod(0o755, '*'));
    expect(event).toMatchObject({ changes: 1 });
  });
});

describe('extract', () => {
  const extract = (step: Partial<Step<'extract'>>): Step<'extract'> => ({
    kind: 'extract',
    file: 'in.tar.gz',
    to: 'out/',
    strip: 0,
    keep: false,
    optional: false,
    ...step,
  });

  test('puts what an archive of the tree holds into a folder, and takes the archive away', async () => {
    await given({ 'in.tar.gz': tarGz({ 'top/a': 'A', 'top/b': 'B' }) });
    const [event] = await apply(extract({ strip: 1, include: ['a'] }));
    expect(paths()).toEqual(['out', 'out/a']);
    expect(event).toMatchObject({ files: 1, summary: '1 file from in.tar.gz (tar.gz)' });
  });

  test('keeps the archive where it is told to', async () => {
    await given({ 'in.tar.gz': tarGz({ a: 'A' }) });
    await apply(extract({ to: '', keep: true }));
    expect(paths()).toEqual(['a', 'in.tar.gz']);
  });

  test.each(['r.zip', 'r.7z', 'r.tar.gz'])(
    'unpacks one level of %s, that holds itself as quines do, and never another',
    async (name) => {
      const holding = (content: Buffer) => {
        if (name === 'r.zip') return zip([{ name, content }]);
        return name === 'r.7z' ? sevenZip([{ name, content }]) : gzipSync(tar({ name, content }));
      };
      // Large enough to be streamed: it is written over the archive that is being read.
      const inner = holding(Buffer.alloc(2_000_000, 'level'));
      await given({ [name]: holding(inner) });
      const step = extract({ file: name, to: '' });
      const [event] = await apply(step);
      expect(event).toMatchObject({ files: 1 });
      expect(paths()).toEqual([name]);
      expect((await tree.read(name)).equals(inner)).toBe(true);
      // The next step has the next level, and the one after it finds no archive any more.
      expect(await refusal(step, step)).toMatchObject({ code: 'ARCHIVE_UNSUPPORTED', context: { step: 2 } });
      expect((await tree.read(name)).toString('latin1', 0, 5)).toBe('level');
    },
  );

  test('refuses what is no archive', async () => {
    await given({ 'in.tar.gz': 'no archive' });
    expect(await refusal(extract({}))).toMatchObject({ context: { step: 1, stepKind: 'extract' } });
  });
});

/** A ustar archive of plain files. */
function tarGz(files: Record<string, string>): Buffer {
  const blocks = Object.entries(files).flatMap(([path, content]) => {
    const header = Buffer.alloc(512);
    const fields: [number, string][] = [
      [0, path],
      [100, '0000644\0'],
      [108, '0000000\0'],
      [116, '0000000\0'],
      [124, `${content.length.toString(8).padStart(11, '0')}\0`],
      [136, '00000000000\0'],
      [148, '        '],
      [156, '0'],
      [257, 'ustar\x0000'],
    ];
    for (const [at, value] of fields) header.write(value, at, 'latin1');
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const data = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    data.write(content);
    return [header, data];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}
