import { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folderWith } from '../folder-with.js';
import { prestage, type Run, repository } from '../prestage.js';
import { zip } from '../small-archives.js';
import { nodes, prestageOn, windowsPath, withoutWine } from './wine.js';

const prepared = ({ status, result, stderr }: Run) => {
  expect(status, stderr).toBe(0);
  return { release: result.release, packages: result.packages };
};

/** What Linux makes of the same folder, in another root. */
async function onLinux(folder: string, options = '') {
  const run = await prestage(`deploy --prepare-files-only --yes --json ${options}`, { cwd: folder });
  rmSync(join(folder, '.prestage'), { recursive: true });
  return prepared(run);
}

describe.skipIf(withoutWine).each(nodes)('on Windows, by %s', (node) => {
  const deploy = (cwd: string, ...more: string[]) =>
    prestageOn(node, ['deploy', '--prepare-files-only', '--yes', '--json', ...more], { cwd });

  test('init writes a starter, plan says what it needs, and deploy --prepare-files-only prepares it as on Linux', async () => {
    const folder = await folderWith();
    const init = await prestageOn(node, 'init my-project', { cwd: folder });
    expect(init.status, init.stderr).toBe(0);
    const project = join(folder, 'my-project');
    const plan = await prestageOn(node, 'plan --json', { cwd: project });
    expect(plan.result).toMatchObject({ ok: true, phase1: { needed: true, packages: [{ action: 'prepare' }] } });
    const windows = prepared(await deploy(project));
    expect(windows.release).toBe(plan.result.release);
    await prestage('init linux/my-project', { cwd: folder });
    expect(windows).toEqual(await onLinux(join(folder, 'linux/my-project')));
  });

  test('all eight steps of the quickstart give the release and the digests of Linux', async () => {
    const folder = await folderWith();
    cpSync(join(repository, 'examples/quickstart'), folder, {
      recursive: true,
      filter: (path) => !path.endsWith('.prestage'),
    });
    const kinds = ['patch', 'replace', 'set', 'template', 'copy', 'remove', 'chmod', 'extract'];
    const run = await deploy(folder, '--env', 'prod');
    const carriedOut = run.events.flatMap((event) => (event.type === 'package.step' ? [event.kind] : []));
    expect([...new Set(carriedOut)].sort()).toEqual(kinds.sort());
    const windows = prepared(run);
    rmSync(join(folder, '.prestage'), { recursive: true });
    expect(windows).toEqual(await onLinux(folder, '--env prod'));
    // And again, there is nothing to do.
    prepared(await deploy(folder, '--env', 'prod'));
    expect((await deploy(folder, '--env', 'prod')).result.phase1).toBe('ready');
  });

  test('a folder with programs and read-only files has the digest of Linux, and read-only trees are prepared', async () => {
    const folder = await folderWith({
      'app/bin/run': '#!/bin/sh\necho run\n',
      'app/bin/tool.py': '#!/usr/bin/env python3\n',
      'app/conf/app.ini': '[main]\r\ncolor = red\r\n',
      'app/Ünïcode – 名前/readme.txt': 'text\n',
      'overlay/conf/more.ini': 'more\n',
      'prestage.config.yaml': [
        'name: portal',
        'packages:',
        '  app:',
        '    source: app',
        '    steps:',
        '      - copy: { from: overlay/, to: ./ }',
        '      - set: { file: conf/app.ini, values: { main.color: blue } }',
        "      - chmod: { files: 'conf/*', mode: '444' }",
        "      - replace: { files: 'conf/more.ini', from: more, to: less }",
        '',
      ].join('\n'),
    });
    for (const path of ['app/bin/run', 'app/bin/tool.py']) chmodSync(join(folder, path), 0o755);
    const linux = await onLinux(folder);
    // Without the right to write, Windows gives them the read-only attribute.
    for (const path of ['app/conf/app.ini', 'overlay/conf/more.ini', 'prestage.config.yaml', 'prestage.lock'])
      chmodSync(join(folder, path), 0o444);
    expect(prepared(await deploy(folder))).toEqual(linux);
    const verified = await prestageOn(node, 'verify --deep --json', { cwd: folder });
    expect(withoutLinks(verified)).toEqual([]);
  });

  test.todo('links in a source folder: Wine shows what they lead to, so only a real Windows can show them');

  test('paths of more than 260 characters, in the root and in an archive', async () => {
    const deep = `${'a-rather-long-folder-name/'.repeat(12)}file.txt`;
    const folder = await folderWith({
      'app.zip': zip({ [deep]: 'deep\n' }),
      'prestage.config.yaml': `name: portal\npackages:\n  app: { source: app.zip }\nenvironments:\n  local: { target: local, root: '${'long-root-name/'.repeat(8)}' }\n`,
    });
    const run = await deploy(folder);
    const { packages } = prepared(run);
    const [app] = packages as { tree: string }[];
    const path = join(folder, 'long-root-name/'.repeat(8), 'trees', app?.tree ?? '', deep);
    expect(path.length).toBeGreaterThan(400);
    expect(readFileSync(path, 'utf8')).toBe('deep\n');
    const verified = await prestageOn(node, 'verify --deep --json', { cwd: folder });
    expect(withoutLinks(verified)).toEqual([]);
    const destroyed = await prestageOn(node, 'destroy --purge --yes --json', { cwd: folder });
    expect(destroyed.result.ok, destroyed.stderr).toBe(true);
    expect(existsSync(join(folder, 'long-root-name/'.repeat(8)))).toBe(false);
  });

  test('drive letters, backslashes and names of devices in arguments and in the configuration', async () => {
    const config = 'name: portal\npackages:\n  app: { source: files/app }\n';
    const folder = await folderWith({ 'files/app/a.txt': 'a\n', 'prestage.config.yaml': config });
    const { release } = await onLinux(folder);
    const upper = windowsPath(folder);
    for (const written of [
      upper,
      `${upper}\\prestage.config.yaml`,
      upper.replace('Z:', 'z:').replaceAll('\\', '/'),
      `\\\\?\\${upper}`,
      `.\\${folder.split('/').at(-1)}\\`,
    ]) {
      const run = await prestageOn(node, ['plan', '--json', '--config', written], { cwd: join(folder, '..') });
      expect({ written, release: run.result.release }).toEqual({ written, release });
    }
    for (const written of ['\\\\server\\share\\portal', 'Q:\\portal']) {
      const run = await prestageOn(node, ['plan', '--json', '--config', written], { cwd: folder });
      expect(run.result.error).toMatchObject({ code: 'CONFIG_NOT_FOUND', message: expect.stringContaining(written) });
    }
    // On another drive, with a space.
    writeFileSync(
      join(folder, 'prestage.config.yaml'),
      `${config.replace('files/app', '.\\files\\app')}environments:\n  local: { target: local, root: 'C:\\the store\\${node}' }\n`,
    );
    const run = await deploy(folder);
    expect(prepared(run).release).toBe(release);
    expect(run.result.root).toBe(`C:\\the store\\${node}`);
  });

  test('a configuration with CRLF is read as one with LF; a script with CRLF is refused with what to do', async () => {
    const lines = [
      'name: portal',
      'packages:',
      '  app:',
      '    source: app',
      '    steps:',
      '      - replace:',
      "          files: 'a.txt'",
      '          from: |',
      '            two',
      '            lines',
      '          to: one',
      '',
    ];
    const folder = await folderWith({ 'app/a.txt': 'two\nlines\n', 'prestage.config.yaml': lines.join('\n') });
    const linux = await onLinux(folder);
    writeFileSync(join(folder, 'prestage.config.yaml'), lines.join('\r\n'));
    expect(prepared(await deploy(folder))).toEqual(linux);
    const service = ['services:', '  web: { run: web.sh }', ''].join('\r\n');
    writeFileSync(join(folder, 'prestage.config.yaml'), lines.join('\r\n') + service);
    writeFileSync(join(folder, 'web.sh'), '#!/bin/sh\r\nexit 0\r\n');
    const run = await deploy(folder);
    expect(run.status).toBe(2);
    expect(run.result.error).toMatchObject({ code: 'CONFIG_SCRIPT', message: expect.stringContaining('web.sh') });
  });
});

/** Links are what Wine 8 does not make. */
function withoutLinks({ result }: Run) {
  expect(result.checked).toBeGreaterThan(2);
  return result.differences.filter(({ path, kind }) => !(path.startsWith('releases/') && kind === 'missing'));
}
