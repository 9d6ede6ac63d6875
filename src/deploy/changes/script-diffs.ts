import { readFile } from 'node:fs/promises';
import { withoutSecrets } from '../../core/secret-lines.js';
import { unifiedDiff } from '../../core/unified-diff.js';
import type { Resolved } from '../../resolve/index.js';
import type { Target } from '../../targets/index.js';
import type { Detection } from '../detect.js';
import type { Change } from './recipe-changes.js';

/** A script of this length is not read line by line in a plan. */
const MAX_LENGTH = 256 * 1024;

/** The scripts that changed, line by line where the target can read the old one. */
export async function withDiffs(
  { scripts, earlierScripts }: Detection,
  target: Target,
  { plan, inputs }: Resolved,
): Promise<Change[]> {
  return Promise.all(
    scripts.map(async (change) => {
      const old = earlierScripts.find(({ path }) => path === change.what);
      const now = plan.scripts.find(({ path }) => path === change.what);
      const location = inputs[now?.sha256 ?? ''];
      if (old === undefined || location?.kind !== 'file') return change;
      const found = await target.readScript?.(old);
      const before = found && Buffer.from(found).toString('utf8');
      const after = await readFile(location.path, 'utf8').catch(() => undefined);
      if (!isText(before) || !isText(after)) return change;
      return { ...change, diff: withoutSecrets(unifiedDiff(before, after)) };
    }),
  );
}

function isText(text: string | undefined): text is string {
  return text !== undefined && text.length <= MAX_LENGTH && !/[\0\uFFFD]/.test(text);
}
