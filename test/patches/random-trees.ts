import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Chance } from '../chance.js';

/** What a path is. Contents are byte strings; folders are said by themselves, so that empty ones are seen. */
export type Entry =
  | { type: 'file'; mode: 0o644 | 0o755; content: string }
  | { type: 'link'; target: string }
  | { type: 'dir' };
export type Files = Map<string, Entry>;

const FOLDERS = [
  '',
  '',
  'conf/',
  'conf/',
  'bin/',
  'old/',
  'new/',
  'a/',
  'b/',
  'deep/er/',
  'with space/',
  'caf\u00c3\u00a9/',
];
const NAMES = ['f', 'g', 'h', 'run.sh', 'app.properties', 'x y', 'a"b', 'caf\u00c3\u00a9', 'x.orig'];
const WORDS = [
  'a',
  'b',
  'c',
  '',
  'd',
  '\te',
  ' f',
  'g ',
  '-- x',
  '++ y',
  '- z',
  '@@ -1 +1 @@',
  '3d',
  '< q',
  '\xe9',
  'h\r',
  'X',
  '1,2c1',
];

/** A few files, most with content, some linked. Names and lines are few, so that they meet. */
export function randomTree(chance: Chance): Files {
  const files: Files = new Map();
  for (let left = 2 + chance.below(6); left > 0; left -= 1) addFile(files, chance);
  if (chance.is(0.25)) addLink(files, chance);
  return withFolders(files);
}

/** What became of a tree: most of it as it was. */
export function changedTree(before: Files, chance: Chance): Files {
  const files: Files = new Map([...before].filter(([, { type }]) => type !== 'dir'));
  for (let left = 1 + chance.below(4); left > 0; left -= 1) change(files, chance);
  return withFolders(files);
}

/** The tree that a patch meets: often not the one that it was made from. */
export function driftedTree(before: Files, chance: Chance): Files {
  const files: Files = new Map(before);
  if (chance.is(0.5)) return files;
  for (const [path, entry] of files)
    if (entry.type === 'file' && chance.is(0.3))
      files.set(path, { ...entry, content: edited(entry.content, chance, 1) });
  if (chance.is(0.15)) change(files, chance);
  return withFolders(files);
}

function change(files: Files, chance: Chance): void {
  const paths = [...files].filter(([, { type }]) => type !== 'dir').map(([path]) => path);
  const path = paths.length > 0 ? chance.of(paths) : undefined;
  const entry = path === undefined ? undefined : files.get(path);
  if (path === undefined || entry === undefined || chance.is(0.2)) {
    addFile(files, chance);
    return;
  }
  switch (chance.below(8)) {
    case 0:
      files.delete(path);
      return;
    case 1: {
      const to = randomPath(chance);
      if (!isFree(files, to)) return;
      files.delete(path);
      files.set(to, entry);
      return;
    }
    case 2: {
      const to = randomPath(chance);
      if (isFree(files, to) && entry.type === 'file')
        files.set(to, { ...entry, content: edited(entry.content, chance, 1) });
      return;
    }
    case 3:
      if (entry.type === 'file') files.set(path, { ...entry, mode: entry.mode === 0o644 ? 0o755 : 0o644 });
      return;
    case 4:
      if (chance.is(0.5))
        files.set(
          path,
          entry.type === 'link' ? randomFile(chance) : { type: 'link', target: chance.of(['f', 'conf/f', 'nowhere']) },
        );
      return;
    default:
      if (entry.type === 'file')
        files.set(path, { ...entry, content: edited(entry.content, chance, 1 + chance.below(3)) });
      else files.set(path, { type: 'link', target: chance.of(['f', 'g', 'conf/f']) });
  }
}

function addFile(files: Files, chance: Chance): void {
  const path = randomPath(chance);
  if (isFree(files, path)) files.set(path, randomFile(chance));
}

function addLink(files: Files, chance: Chance): void {
  const folder = [...files.keys()].map((path) => dirname(path)).find((name) => name !== '.');
  if (folder !== undefined && chance.is(0.5) && isFree(files, 'link'))
    files.set('link', { type: 'link', target: folder });
  else if (isFree(files, 'link')) files.set('link', { type: 'link', target: 'f' });
}

function randomFile(chance: Chance): Entry {
  const end = chance.is(0.85) ? '\n' : '';
  const content = chance.is(0.1) ? '' : lines(chance, 1 + chance.below(12)).join('\n') + end;
  return { type: 'file', mode: chance.is(0.2) ? 0o755 : 0o644, content };
}

function randomPath(chance: Chance): string {
  return chance.of(FOLDERS) + chance.of(chance.is(0.7) ? NAMES.slice(0, 5) : NAMES);
}

/** Neither there, nor a folder, nor below a file. */
function isFree(files: Files, path: string): boolean {
  return ![...files.keys()].some(
    (other) => other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`),
  );
}

function lines(chance: Chance, count: number): string[] {
  const variety = 2 + chance.below(WORDS.length - 2);
  return Array.from({ length: count }, () => WORDS[chance.below(variety)] ?? '');
}

function edited(content: string, chance: Chance, edits: number): string {
  const all = content.split('\n');
  for (let left = edits; left > 0; left -= 1)
    all.splice(chance.below(all.length), chance.below(3), ...lines(chance, chance.below(3)));
  return all.join('\n');
}

function withFolders(files: Files): Files {
  const all: Files = new Map(files);
  for (const path of files.keys())
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder))
      if (!all.has(folder)) all.set(folder, { type: 'dir' });
  return all;
}

export function writeFiles(folder: string, files: Files): void {
  mkdirSync(folder, { recursive: true });
  for (const [path, entry] of files) {
    const at = join(folder, latin1(path));
    if (entry.type === 'dir') mkdirSync(at, { recursive: true });
    else mkdirSync(dirname(at), { recursive: true });
    if (entry.type === 'link') symlinkSync(entry.target, at);
    if (entry.type === 'file') {
      writeFileSync(at, Buffer.from(entry.content, 'latin1'));
      chmodSync(at, entry.mode);
    }
  }
}

/** A tree's modes are two; which one, the owner's executable bit says. */
export function readFiles(folder: string, below = '', files: Files = new Map()): Files {
  for (const name of readdirSync(join(folder, latin1(below))).sort()) {
    const path = below + Buffer.from(name).toString('latin1');
    const at = join(folder, latin1(path));
    const stat = lstatSync(at);
    if (stat.isDirectory()) readFiles(folder, `${path}/`, files.set(path, { type: 'dir' }));
    else if (stat.isSymbolicLink()) files.set(path, { type: 'link', target: readlinkSync(at) });
    else
      files.set(path, { type: 'file', mode: stat.mode & 0o111 ? 0o755 : 0o644, content: readFileSync(at, 'latin1') });
  }
  return files;
}

/** A path of bytes as Node wants it. */
export function latin1(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}
