import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { TreeEntry } from '../../src/store/index.js';

/**
 * Paths with what is there: a folder, a link and its target, a file and its digest. Who may execute a file is said only
 * where that is asked for, as each program has its own rule for modes.
 */
export type Tree = Record<string, string>;

/** What a program made in a folder. Names are bytes, and become text by one byte each where they are not UTF-8. */
export function treeIn(folder: string, { modes = false } = {}): Tree {
  const tree: Tree = {};
  const visit = (at: Buffer, path: string): void => {
    for (const name of readdirSync(at, { encoding: 'buffer' })) {
      const below = Buffer.concat([at, Buffer.from('/'), name]);
      const text = path + nameOf(name);
      const stat = lstatSync(below);
      if (stat.isDirectory()) {
        tree[text] = 'folder';
        visit(below, `${text}/`);
      } else if (stat.isSymbolicLink()) tree[text] = linkTo(nameOf(readlinkSync(below, { encoding: 'buffer' })));
      else if (!stat.isFile()) tree[text] = 'neither file nor folder';
      else tree[text] = fileOf(readFileSync(below)) + (modes ? programOf(stat.mode) : '');
    }
  };
  visit(Buffer.from(folder), '');
  return sorted(tree);
}

/** The same of a tree of ours. */
export function treeOf(entries: ReadonlyMap<string, TreeEntry>, { modes = false } = {}): Tree {
  const described = [...entries].map(([path, entry]): [string, string] => {
    if (entry.type === 'dir') return [path, 'folder'];
    if (entry.type === 'link') return [path, linkTo(entry.target)];
    return [path, `file of ${entry.size}: ${entry.sha256}${modes ? programOf(entry.mode) : ''}`];
  });
  return sorted(Object.fromEntries(described));
}

/** 7-Zip writes two slashes as one, which is the same place. */
function linkTo(target: string): string {
  return `link to ${target.replace(/\/+/g, '/')}`;
}

function fileOf(content: Buffer): string {
  return `file of ${content.length}: ${createHash('sha256').update(content).digest('hex')}`;
}

function programOf(mode: number): string {
  return mode & 0o111 ? ', may be executed' : '';
}

function nameOf(name: Buffer): string {
  const text = name.toString('utf8');
  return Buffer.from(text).equals(name) ? text : name.toString('latin1');
}

function sorted(tree: Tree): Tree {
  return Object.fromEntries(Object.entries(tree).sort(([a], [b]) => (a < b ? -1 : 1)));
}
