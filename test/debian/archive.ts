import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { sha256 } from '../../src/core/digest.js';

/**
 * Source packages of the distribution that this machine runs, from where its own packages come: apt is given a
 * configuration of its own, in which each `deb` of the machine is a `deb-src`. Downloads stay in the temporary folder.
 */
const cache = join(tmpdir(), `prestage-debian-${process.getuid?.() ?? 0}`);
const downloads = join(cache, 'sources');

/** What is made of the downloads may be kept here as well. */
export const downloadFolder = cache;
const run = promisify(execFile);

/** Until then an archive that did not have a package is not asked for it again. */
const ASK_AGAIN_MS = 24 * 60 * 60 * 1000;

/** The .dsc files, complete with what they name, of those packages that the archive has; by the package's name. */
export async function sourcePackages(names: readonly string[]): Promise<Map<string, string>> {
  await downloadMissing(names, (name) => findComplete(name) !== undefined);
  const found = names.map((name) => [name, findComplete(name)] as const);
  return new Map(found.filter((item): item is [string, string] => item[1] !== undefined));
}

/** One file of a source package, as it was when its digest was written down. */
export interface SourceFile {
  package: string;
  file: string;
  sha256: string;
}

/** Where those of these files are that the archive still has. */
export async function sourceFiles(files: readonly SourceFile[]): Promise<Map<SourceFile, string>> {
  const pathOf = ({ file }: SourceFile) => join(downloads, file);
  const packages = files.map((file) => file.package);
  await downloadMissing(packages, (name) => files.every((file) => file.package !== name || existsSync(pathOf(file))));
  const found = files.filter((file) => existsSync(pathOf(file)) && sha256(readFileSync(pathOf(file))) === file.sha256);
  return new Map(found.map((file) => [file, pathOf(file)]));
}

async function downloadMissing(names: readonly string[], isThere: (name: string) => boolean): Promise<void> {
  await mkdir(cache, { recursive: true, mode: 0o700 });
  await mkdir(downloads, { recursive: true });
  const missing = () => names.filter((name) => !isThere(name));
  const question = JSON.stringify(names);
  const asked = join(cache, `asked-${sha256(Buffer.from(question)).slice(0, 16)}`);
  const isAnswered = existsSync(asked) && Date.now() - statSync(asked).mtimeMs < ASK_AGAIN_MS;
  if (missing().length === 0 || isAnswered) return;
  await download(missing());
  if (missing().length > 0) await writeFile(asked, question);
}

/** What the archive has of these; an archive may lack a file, and apt goes on to the others. */
async function download(names: readonly string[]): Promise<void> {
  const config = await aptConfig();
  const apt = (program: string, args: string[]) =>
    run(program, ['-c', config, ...args], { cwd: downloads, timeout: 150_000, maxBuffer: 1 << 26 }).catch(
      (error: { stdout?: string; stderr?: string }) => ({ stdout: error.stdout ?? '', stderr: error.stderr ?? '' }),
    );
  await apt('apt-get', ['-qq', 'update']);
  const { stdout } = await apt('apt-cache', ['showsrc', '--only-source', ...names]);
  // apt-get refuses all where it does not know one.
  const known = new Set(Array.from(stdout.matchAll(/^Package: (\S+)$/gm), (match) => match[1] ?? ''));
  if (known.size > 0) await apt('apt-get', ['-qq', 'source', '--download-only', '--only-source', ...known]);
}

async function aptConfig(): Promise<string> {
  const parts = join(cache, 'sources.list.d');
  await rm(parts, { recursive: true, force: true });
  for (const folder of [parts, join(cache, 'lists/partial'), join(cache, 'cache/archives/partial')])
    await mkdir(folder, { recursive: true });
  for (const { name, text } of await machineSources()) await writeFile(join(parts, name), text);
  const config = join(cache, 'apt.conf');
  const lines = [
    'Dir::Etc::SourceList "/dev/null";',
    `Dir::Etc::SourceParts "${parts}";`,
    `Dir::State::Lists "${cache}/lists";`,
    `Dir::Cache "${cache}/cache";`,
    // The folder is this user's alone, also where apt would hand its downloads to another one.
    'APT::Sandbox::User "root";',
    'Acquire::Retries "2";',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  return config;
}

/** The machine's sources.list(5) files, in both of their forms, with sources in the place of binaries. */
async function machineSources(): Promise<{ name: string; text: string }[]> {
  const variables = ['LIST', 'Dir::Etc::sourcelist/f', 'PARTS', 'Dir::Etc::sourceparts/d'];
  const { stdout: said } = await run('apt-config', ['shell', ...variables]);
  const value = (name: string) => new RegExp(`^${name}='(.*)'$`, 'm').exec(said)?.[1] ?? '';
  const parts = value('PARTS');
  const inParts = existsSync(parts) ? readdirSync(parts).map((name) => join(parts, name)) : [];
  return [value('LIST'), ...inParts]
    .filter((path) => /\.(list|sources)$/.test(path) && existsSync(path))
    .map((path) => {
      const text = readFileSync(path, 'utf8');
      const asSources = path.endsWith('.list')
        ? text.replaceAll(/^deb-src\s.*$/gm, '').replaceAll(/^deb(?=\s)/gm, 'deb-src')
        : text.replaceAll(/^Types:.*$/gim, 'Types: deb-src');
      return { name: basename(path), text: asSources };
    });
}

/** A package's .dsc, if every file that it lists is there in full. */
function findComplete(name: string): string | undefined {
  const candidates = readdirSync(downloads).filter((file) => file.startsWith(`${name}_`) && file.endsWith('.dsc'));
  return candidates.map((file) => join(downloads, file)).find(isComplete);
}

function isComplete(dsc: string): boolean {
  const files = /^Files:\s*\n((?: .*\n?)+)/m.exec(readFileSync(dsc, 'utf8'))?.[1] ?? '';
  const listed = Array.from(files.matchAll(/^ \w+ (\d+) (\S+)$/gm), ([, size, name]) => ({ size: Number(size), name }));
  return (
    listed.length > 0 &&
    listed.every(({ size, name = '' }) => {
      const path = join(downloads, basename(name));
      return existsSync(path) && statSync(path).size === size;
    })
  );
}
