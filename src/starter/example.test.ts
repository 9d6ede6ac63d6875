import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configSchema } from '../config/schema.js';
import { writeStarter } from './example.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prestage-starter-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('init', () => {
  test('writes a configuration, what it needs, and four scripts, and says which', async () => {
    const { files, left } = await writeStarter(join(folder, 'new', 'My Portal 2'));
    expect(left).toEqual([]);
    expect(files).toEqual([
      '.gitignore',
      'deploy.ps1',
      'deploy.sh',
      'files/product/bin/greet.sh',
      'files/product/bin/install.sh',
      'files/product/conf/product.properties',
      'files/product/www/index.html',
      'hosts/jump-boot.sh',
      'hosts/web-boot.sh',
      'hosts/web-run.mjs',
      'patches/10-greeting.patch',
      'prestage.config.yaml',
      'test-file-prep.ps1',
      'test-file-prep.sh',
    ]);
    const config = readFileSync(join(folder, 'new/My Portal 2/prestage.config.yaml'), 'utf8');
    expect(configSchema.parse(parse(config)).name).toBe('my-portal-2');
    expect(readFileSync(join(folder, 'new/My Portal 2/.gitignore'), 'utf8')).toBe('.prestage/\nnode_modules/\n');
  });

  test('leaves a .gitignore that is there, and says so', async () => {
    writeFileSync(join(folder, '.gitignore'), 'mine\n');
    const { files, left } = await writeStarter(folder);
    expect([files.includes('.gitignore'), left]).toEqual([false, ['.gitignore']]);
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('mine\n');
  });

  test.each(['42', '...', '日本', 'a'.repeat(80)])(
    'gives the project a valid name in a folder called %s',
    async (name) => {
      await writeStarter(join(folder, name));
      expect(parse(readFileSync(join(folder, name, 'prestage.config.yaml'), 'utf8')).name).toMatch(
        /^[a-z][a-z0-9-]{0,30}$/,
      );
    },
  );

  test.each([
    ['beside it', 'portal', 'portal', /^\.\/node_modules\/prestage\/schema\//],
    ['above it', '.', 'portals/portal', /^\.\.\/\.\.\/node_modules\/prestage\/schema\//],
    ['nowhere around it', undefined, 'portal', /^\.\.\/.*[^/]\/schema\/prestage\.schema\.json$/],
  ])('names a schema that is there, with node_modules %s', async (_, installedIn, project, expected) => {
    if (installedIn !== undefined) {
      const schema = join(folder, installedIn, 'node_modules/prestage/schema');
      mkdirSync(schema, { recursive: true });
      writeFileSync(join(schema, 'prestage.schema.json'), readFileSync('schema/prestage.schema.json'));
    }
    await writeStarter(join(folder, project));
    const config = readFileSync(join(folder, project, 'prestage.config.yaml'), 'utf8');
    const [, path = ''] = /^# yaml-language-server: \$schema=(.*)$/m.exec(config) ?? [];
    expect(path).toMatch(expected);
    expect(JSON.parse(readFileSync(join(realpathSync(join(folder, project)), path), 'utf8'))).toMatchObject({
      title: 'Prestage configuration',
    });
  });

  test.skipIf(process.platform === 'win32')('makes scripts executable, and nothing else', async () => {
    const { files } = await writeStarter(folder);
    const executable = files.filter((file) => statSync(join(folder, file)).mode & 0o100);
    expect(executable).toEqual([
      'deploy.sh',
      'files/product/bin/greet.sh',
      'files/product/bin/install.sh',
      'hosts/jump-boot.sh',
      'hosts/web-boot.sh',
      'hosts/web-run.mjs',
      'test-file-prep.sh',
    ]);
  });

  test('writes what is missing where there is a deploy.sh, and says what it left alone', async () => {
    writeFileSync(join(folder, 'deploy.sh'), 'mine');
    mkdirSync(join(folder, 'hosts'));
    writeFileSync(join(folder, 'hosts/web-boot.sh'), 'mine too');
    const { files, left } = await writeStarter(folder);
    expect(left).toEqual(['deploy.sh', 'hosts/web-boot.sh']);
    expect(files).toHaveLength(12);
    for (const file of files) expect(existsSync(join(folder, file)), file).toBe(true);
    expect(readFileSync(join(folder, 'deploy.sh'), 'utf8')).toBe('mine');
    expect(readFileSync(join(folder, 'hosts/web-boot.sh'), 'utf8')).toBe('mine too');
    const again = await writeStarter(folder);
    expect(again.files).toEqual([]);
    expect(again.left).toEqual(expect.arrayContaining([...files, ...left].filter((path) => /^[^/.][^/]*$/.test(path))));
  });

  test('writes the scripts alone beside a configuration', async () => {
    writeFileSync(join(folder, 'prestage.config.ts'), 'mine');
    expect(await writeStarter(folder)).toEqual({
      files: ['deploy.ps1', 'deploy.sh', 'test-file-prep.ps1', 'test-file-prep.sh'],
      left: ['prestage.config.ts'],
    });
    expect(existsSync(join(folder, 'files'))).toBe(false);
  });

  test('writes nothing where a file is in the place of a folder, and names it', async () => {
    writeFileSync(join(folder, 'hosts'), 'mine');
    await expect(writeStarter(folder)).rejects.toMatchObject({
      code: 'FILE_EXISTS',
      message: expect.stringContaining(join(folder, 'hosts')),
    });
    expect(existsSync(join(folder, 'files'))).toBe(false);
  });

  test('writes nothing through a link that leads nowhere', async () => {
    symlinkSync('/nowhere', join(folder, 'deploy.sh'));
    expect((await writeStarter(folder)).left).toEqual(['deploy.sh']);
    expect(existsSync('/nowhere')).toBe(false);
  });
});

describe.skipIf(process.platform === 'win32')('the scripts beside a configuration', () => {
  beforeEach(async () => void (await writeStarter(folder)));

  /** A command that says what it was given, in a folder's node_modules. */
  function install(command: string, into: string, body: string) {
    const bin = join(into, 'node_modules/.bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, command), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return bin;
  }

  function run(script: string, args: string[] = [], path = process.env.PATH ?? '', cwd = folder) {
    try {
      const stdout = execFileSync(script, args, { cwd, env: { PATH: path }, stdio: 'pipe', encoding: 'utf8' });
      return { status: 0, stdout, stderr: '' };
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
      return { status, stdout, stderr };
    }
  }

  const echo = 'printf "%s|" "$PWD" "$@"; exit 7';

  test.each([
    ['deploy.sh', 'deploy'],
    ['test-file-prep.sh', 'test'],
  ])('%s calls prestage %s in its folder with what it was given, and exits as that does', (script, command) => {
    install('prestage', folder, echo);
    const { status, stdout } = run(join(folder, script), ['-Env', 'a b', '', '*'], undefined, tmpdir());
    expect([status, stdout]).toEqual([7, `${folder}|${command}|-Env|a b||*|`]);
  });

  test('find prestage in a folder around theirs, also when started by a shell from within', async () => {
    const inner = join(folder, 'deep/er');
    await writeStarter(inner);
    install('prestage', folder, echo);
    expect(run(join(inner, 'deploy.sh')).stdout).toBe(`${inner}|deploy|`);
    expect(run('/bin/sh', ['deploy.sh', '-q'], undefined, inner).stdout).toBe(`${inner}|deploy|-q|`);
  });

  test('say in one line that there is no Node', () => {
    const { status, stderr } = run(join(folder, 'deploy.sh'), [], '/nowhere');
    expect([status, stderr]).toEqual([
      2,
      'deploy.sh: Node.js 20.19 or newer is needed, and no node is on the PATH (https://nodejs.org).\n',
    ]);
  });

  test('say in one line that Node is too old', () => {
    const bin = install('node', folder, 'case $1 in --version) echo v18.20.0 ;; *) exit 1 ;; esac');
    const { status, stderr } = run(join(folder, 'deploy.sh'), [], bin);
    expect([status, stderr]).toEqual([2, 'deploy.sh: Node.js 20.19 or newer is needed; this is v18.20.0.\n']);
  });

  test('say in one line how to install prestage where it is not, and never ask npx', () => {
    const bin = install('npx', join(folder, 'elsewhere'), 'echo "$*" >> "$0.calls"');
    symlinkSync(process.execPath, join(bin, 'node'));
    const { status, stderr } = run(join(folder, 'test-file-prep.sh'), [], [bin, '/bin', '/usr/bin'].join(delimiter));
    expect([status, stderr]).toEqual([
      2,
      'test-file-prep.sh: prestage is not installed: run npm pack in a clone of Prestage, then npm install --save-dev <that file> in this folder; or put prestage.mjs here.\n',
    ]);
    expect(existsSync(join(bin, 'npx.calls'))).toBe(false);
  });

  test('take the one that is in PATH where none is installed around them', () => {
    const bin = install('prestage', join(folder, 'elsewhere'), echo);
    symlinkSync(process.execPath, join(bin, 'node'));
    expect(run(join(folder, 'deploy.sh'), ['-q'], [bin, '/bin'].join(delimiter)).stdout).toBe(`${folder}|deploy|-q|`);
  });
});

test('the PowerShell scripts are ASCII with CRLF, so that Windows PowerShell 5.1 reads them right', async () => {
  await writeStarter(folder);
  for (const script of ['deploy.ps1', 'test-file-prep.ps1']) {
    const text = readFileSync(join(folder, script), 'latin1');
    expect(text).toMatch(/^[\r\n\t\x20-\x7e]+$/);
    expect(text.split('\n').every((line, i, lines) => i === lines.length - 1 || line.endsWith('\r'))).toBe(true);
  }
});
