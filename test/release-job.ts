import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '../src/core/digest.js';
import {
  type InputLocations,
  type PackagePlan,
  planPackage,
  planRelease,
  type Recipe,
  type ReleasePlan,
} from '../src/plan/index.js';

/** Plans of releases, and their inputs as files in a folder, for tests below the configuration. */
export class ReleaseJob {
  readonly folder: string;
  readonly inputs: InputLocations = {};
  readonly packages: PackagePlan[] = [];
  readonly scripts: { path: string; sha256: string }[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  /** A file that the job may name; returns its digest. */
  async file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.folder, name);
    await mkdir(this.folder, { recursive: true });
    await writeFile(path, content);
    const digest = sha256(content);
    this.inputs[digest] = { kind: 'file', path, size: Buffer.byteLength(content) };
    return digest;
  }

  /** A package whose source is a file of this content. */
  async package(
    id: string,
    content: string | Uint8Array,
    more: Partial<Omit<Recipe, 'source'>> & { name?: string } = {},
  ): Promise<PackagePlan> {
    const { name = `${id}.bin`, ...recipe } = more;
    const digest = await this.file(name, content);
    return this.add(id, { source: { kind: 'file', name, sha256: digest }, ...recipe });
  }

  add(id: string, recipe: Pick<Recipe, 'source'> & Partial<Recipe>): PackagePlan {
    const plan = planPackage(id, `opt/${id}`, { format: 1, package: id, extract: 'auto', steps: [], ...recipe });
    this.packages.push(plan);
    return plan;
  }

  async script(path: string, content: string): Promise<void> {
    this.scripts.push({ path, sha256: await this.file(path.replaceAll('/', '-'), content) });
  }

  get plan(): ReleasePlan {
    return planRelease('portal', this.packages, this.scripts);
  }
}

/** What a folder holds: contents of files by path, `mode content` for those that may be executed. */
export async function contentsOf(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { mode } = await stat(path);
    found[path.slice(folder.length + 1)] = `${(mode & 0o111) === 0 ? '' : 'x '}${await readFile(path, 'utf8')}`;
  }
  return found;
}

export async function isEmptyOrAbsent(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length === 0;
}
