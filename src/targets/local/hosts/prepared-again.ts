import { stat } from 'node:fs/promises';
import { readRelease, storePaths } from '../../../store/index.js';
import type { LocalLayout } from '../layout.js';
import type { ObservedHost } from './observe.js';

/**
 * The hosts under which a package was prepared again since they found their files, because somebody had changed it: by
 * host, the package. They have the old files open, and are replaced.
 */
export async function preparedAgain(
  layout: LocalLayout,
  observed: readonly ObservedHost[],
): Promise<Map<string, string>> {
  const found = await Promise.all(
    observed.map(async (host) => [host.spec.host, await newerPackage(layout, host)] as const),
  );
  return new Map(found.flatMap(([host, name]) => (name === undefined ? [] : [[host, name]])));
}

async function newerPackage(layout: LocalLayout, { spec, state }: ObservedHost): Promise<string | undefined> {
  const before = state?.prepared;
  if (!before) return undefined;
  const release = await readRelease(layout.root, spec.release);
  for (const { id, tree } of release?.packages ?? []) {
    if (!(`package ${id}` in spec.ingredients)) continue;
    const manifest = await stat(storePaths(layout.root).manifest(tree)).catch(() => undefined);
    if (manifest && before[id] !== undefined && manifest.mtimeMs !== before[id]) return id;
  }
  return undefined;
}
