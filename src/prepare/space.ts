import { formatBytes, formatNumber } from '../core/bytes.js';
import { PrestageError } from '../core/errors.js';
import { type InputLocation, type InputLocations, isRemote, type PackagePlan } from '../plan/index.js';
import { spaceAvailable } from '../store/index.js';
import { passwordOf } from './archive-password.js';
import { measureArchive } from './archives/index.js';
import { locationOf } from './inputs.js';
import { existingSize } from './sources/local-size.js';
import { namingFile } from './sources/unreadable.js';

/** What a package will take, as far as it can be known before it is fetched. */
export interface Need {
  /** The bytes of the source, as it is read. */
  sourceBytes: number | undefined;
  /** In the store. A lower bound: what steps unpack in their turn is not known. */
  bytes: number;
  files: number | undefined;
}

/** Each file ends in a block that is half empty, on average; and each has an inode or a directory's entry. */
const BYTES_PER_FILE = 2048 + 512;

/** From the archive's own index, or the source's size. */
export async function measurePackage(plan: PackagePlan, inputs: InputLocations): Promise<Need> {
  const { recipe } = plan;
  const source = await measureSource(locationOf(inputs, recipe.source.sha256, recipe.source.name), plan);
  const copied = recipe.steps.flatMap((step) =>
    step.kind === 'copy' ? [locationOf(inputs, step.from.sha256, step.from.name)] : [],
  );
  return { ...source, bytes: source.bytes + copied.reduce((sum, { size = 0 }) => sum + size, 0) };
}

async function measureSource(location: InputLocation, plan: PackagePlan): Promise<Need> {
  const { recipe, limits } = plan;
  const { extract } = recipe;
  const path = localPath(location);
  const isFile = location.kind !== 'folder' && path !== undefined;
  const size = (isFile ? await existingSize(path) : undefined) ?? location.size;
  // What is not on this machine yet is unpacked to at least its own size.
  const asItIs: Need = { sourceBytes: size, bytes: size ?? 0, files: undefined };
  if (!isFile || extract === false || extract === 'single') return asItIs;
  const encoding = extract === 'auto' ? undefined : extract.encoding;
  const archive = await namingFile(path, () =>
    measureArchive({ file: path, limits, encoding, password: passwordOf(plan) }),
  ).catch((error: unknown) => {
    if (isRemote(location)) return undefined; // a copy that is damaged is fetched again
    throw error;
  });
  if (archive === undefined) return asItIs;
  // How much of it is wanted is known only when each name was seen.
  if (extract !== 'auto' && (extract.include || extract.exclude))
    return { sourceBytes: size, bytes: 0, files: undefined };
  return { sourceBytes: size, bytes: archive.bytes, files: archive.files };
}

function localPath(location: InputLocation): string | undefined {
  if (isRemote(location)) return location.cached;
  return location.kind === 'packed' ? undefined : location.path;
}

/** What all packages will take at least, and what the store's file system has free. */
export interface SpaceForecast {
  bytes: number;
  files: number;
  freeBytes: number;
}

/** @throws DISK_FULL where it is known already that the packages do not fit. */
export async function demandSpace(root: string, needs: readonly Need[]): Promise<SpaceForecast> {
  const free = await spaceAvailable(root);
  const files = needs.reduce((sum, need) => sum + (need.files ?? 1), 0);
  const bytes = needs.reduce((sum, need) => sum + need.bytes, 0) + files * BYTES_PER_FILE;
  if (bytes > free.bytes)
    throw tooSmall(root, `${formatBytes(bytes)} are needed`, `${formatBytes(free.bytes)} are free`);
  if (free.inodes !== undefined && files > free.inodes)
    throw tooSmall(root, `${formatNumber(files)} files are to be made`, `${formatNumber(free.inodes)} inodes are free`);
  return { bytes, files, freeBytes: free.bytes };
}

function tooSmall(root: string, needs: string, has: string): PrestageError {
  return new PrestageError(
    'DISK_FULL',
    `The packages do not fit into ${root}: ${needs}, ${has}. Nothing was written.`,
    {
      hint: 'Free space there (`prestage prune` removes old releases) or enlarge the file system, then run the same command again.',
      context: { path: root },
    },
  );
}
