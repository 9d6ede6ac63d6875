import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256, shortDigest } from '../../src/core/digest.js';
import { downloadFolder, type SourceFile, sourceFiles } from '../debian/archive.js';
import { type GoTree, SUITES, type Suite } from './suites.js';
import { uudecode } from './uudecode.js';

/** Raised when other files of a suite are collected, or others made of them. */
const VERSION = 1;

/** The archives of each suite, in folders that stay between runs. A suite that cannot be had as it was pinned is not there. */
export async function collectSuites(): Promise<Map<Suite, string>> {
  const fromDebian = await sourceFiles(SUITES.map(({ from }) => from).filter(isOfDebian));
  const folders = SUITES.map((suite): [Suite, string | undefined] => {
    const { from } = suite;
    if (!isOfDebian(from)) return [suite, collectGo(suite, from)];
    const file = fromDebian.get(from);
    return [suite, file && collectDebian(suite, from, file)];
  });
  return new Map(folders.filter((item): item is [Suite, string] => item[1] !== undefined));
}

function isOfDebian(from: Suite['from']): from is SourceFile {
  return 'package' in from;
}

function collectDebian(suite: Suite, { sha256 }: SourceFile, file: string): string {
  return once(`${suite.name}-${shortDigest(sha256)}`, (folder) => {
    const sources = join(folder, '..', 'sources');
    mkdirSync(sources);
    execFileSync('tar', ['-xf', file, '-C', sources, '--strip-components=1', '--no-same-owner'], { stdio: 'pipe' });
    copyArchives(suite, sources, folder);
  });
}

function collectGo(suite: Suite, from: GoTree): string | undefined {
  const root = execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim();
  const sources = join(root, 'src');
  const digest = digestOf(sources, archivesIn(suite, sources));
  if (digest !== from.sha256) {
    console.warn(`the test data of ${root} have the digest ${digest}`);
    return undefined;
  }
  return once(`${suite.name}-${shortDigest(digest)}`, (folder) => copyArchives(suite, sources, folder));
}

function archivesIn({ from, archives }: Suite, sources: string): string[] {
  const folders = isOfDebian(from) ? ['.'] : from.folders;
  return folders
    .flatMap((folder) => filesIn(sources, folder))
    .filter((path) => archives.test(path))
    .sort();
}

function filesIn(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

/** One digest of files, by their paths and contents. */
function digestOf(folder: string, paths: readonly string[]): string {
  return sha256(paths.map((path) => `${path} ${sha256(readFileSync(join(folder, path)))}\n`).join(''));
}

/** What lies as text in a test suite becomes the archive that it stands for. */
function copyArchives(suite: Suite, sources: string, folder: string): void {
  for (const path of archivesIn(suite, sources)) {
    const content = readFileSync(join(sources, path));
    const text = /\.(uu|base64)$/.exec(path)?.[1];
    const to = join(folder, text === undefined ? path : path.slice(0, -text.length - 1));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, decoded(content, text));
  }
}

function decoded(content: Buffer, text: string | undefined): Buffer {
  if (text === 'uu') return uudecode(content.toString('latin1'));
  return text === 'base64' ? Buffer.from(content.toString('latin1'), 'base64') : content;
}

/** A folder that is filled once, whole or not at all. */
function once(name: string, fill: (folder: string) => void): string {
  const kept = join(downloadFolder, 'corpus', `${name}-v${VERSION}`);
  if (existsSync(kept)) return kept;
  mkdirSync(dirname(kept), { recursive: true });
  const work = mkdtempSync(join(dirname(kept), 'work-'));
  try {
    mkdirSync(join(work, 'archives'));
    fill(join(work, 'archives'));
    renameSync(join(work, 'archives'), kept);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return kept;
}

/** The paths of a suite's archives in its folder. */
export function archivesOf(folder: string): string[] {
  return filesIn(folder, '.').sort();
}
