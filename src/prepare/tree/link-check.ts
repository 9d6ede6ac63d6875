import type { ArchiveReason } from '../../core/archive-reasons.js';
import { PrestageError } from '../../core/errors.js';
import type { Departure } from '../../plan/index.js';
import type { TreeEntry } from '../../store/index.js';
import type { Acceptance } from './acceptance.js';
import { isPlainBackslash, parentOf } from './tree-path.js';

/** As many links as Linux follows in one look-up (path_resolution(7)). */
const MAX_LINKS_FOLLOWED = 40;

/** Whether a link stays in its tree; one that leads out is there only where that is accepted. */
type Leads = 'inside' | 'outside';

/**
 * Checks that a link leads to a place inside the tree, whether there is something or not, by following it as the kernel
 * would: through the tree's other links, so that a chain of links that each look harmless is seen too.
 * @throws ARCHIVE_UNSAFE
 */
export function checkLink(
  entries: ReadonlyMap<string, TreeEntry>,
  path: string,
  target: string,
  acceptance?: Acceptance,
): Leads {
  const broken = ruleBroken(entries, path, target);
  if (broken === undefined) return 'inside';
  const refusal = () =>
    refused(path, target, broken, 'Leave the link out with `exclude`, or remove it before packing.');
  if (broken[0] !== 'link-escape' || acceptance === undefined) throw refusal();
  acceptance.judge('outside-links', path, refusal);
  return 'outside';
}

/** A rule, and what breaks it. */
type Broken = [reason: ArchiveReason<'ARCHIVE_UNSAFE'>, what: string];

function ruleBroken(entries: ReadonlyMap<string, TreeEntry>, path: string, target: string): Broken | undefined {
  const at = parentOf(path) === '' ? [] : parentOf(path).split('/');
  const todo = target.split('/').reverse();
  let followed = 0;
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at.pop() === undefined) return ['link-escape', 'leaves the tree'];
      continue;
    }
    at.push(name);
    const entry = entries.get(at.join('/'));
    if (entry?.type !== 'link') continue;
    if (entry.target.startsWith('/')) return ['link-escape', 'leaves the tree by way of another one'];
    followed += 1;
    if (followed > MAX_LINKS_FOLLOWED) return ['link-circle', 'leads through too many links, or in a circle'];
    at.pop();
    todo.push(...entry.target.split('/').reverse());
  }
  return undefined;
}

/** What is wrong with a link whatever else the tree holds. @throws ARCHIVE_UNSAFE */
export function checkLinkTarget(path: string, target: string, acceptance?: Acceptance): Leads {
  const broken = ruleBrokenBy(target);
  if (broken !== undefined) throw refused(path, target, broken);
  const judge = (departure: Departure, odd: Broken) => {
    const refusal = () => refused(path, target, odd);
    // Windows would find other files there.
    if (acceptance === undefined || process.platform === 'win32') throw refusal();
    acceptance.judge(departure, path, refusal);
  };
  if (/^[A-Za-z]:/.test(target)) judge('unsafe-names', ['link-target', 'starts with a drive letter']);
  if (/[\x01-\x1f\x7f]/.test(target)) judge('unsafe-names', ['link-target', 'has a control character in its target']);
  if (!target.startsWith('/')) return 'inside';
  judge('outside-links', ['link-absolute', 'is absolute']);
  return 'outside';
}

function refused(
  path: string,
  target: string,
  [reason, what]: Broken,
  remedy = 'Leave the link out with `exclude`.',
): PrestageError {
  return new PrestageError('ARCHIVE_UNSAFE', `The link ${JSON.stringify(path)} to ${JSON.stringify(target)} ${what}.`, {
    hint: `A tree may hold only relative links that stay inside it. ${remedy}`,
    context: { path, target, reason },
  });
}

function ruleBrokenBy(target: string): Broken | undefined {
  if (target === '') return ['link-target', 'has no target'];
  if (target.includes('\\') && !isPlainBackslash(target)) return ['link-target', 'has a backslash in its target'];
  if (target.includes('\0')) return ['link-target', 'has a control character in its target'];
  if (/\p{Surrogate}/u.test(target)) return ['link-target', 'has a target that is not valid Unicode'];
  if (Buffer.byteLength(target) > 4095) return ['link-target', 'has a target that is too long'];
  return undefined;
}
