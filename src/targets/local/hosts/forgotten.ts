import { existsSync } from 'node:fs';
import type { Emit } from '../../../core/events.js';
import { hostFolder, type LocalLayout, rootId } from '../layout.js';
import { findMarked, markOf } from '../processes/marked.js';
import { endStrays } from './stop.js';

/**
 * Ends what runs for hosts of this root whose folders are gone: somebody removed `hosts/` (`git clean`, for one) under
 * running supervisors. They see it and end within a second; a host that is to have their ports does not wait for that. Found
 * on Linux only.
 */
export async function endForgotten(layout: LocalLayout, emit: Emit): Promise<void> {
  const ofRoot = `${rootId(layout.root)}/`;
  const marks = findMarked(ofRoot, { exact: false }).flatMap(({ pid }) => markOf(pid) ?? []);
  for (const mark of new Set(marks)) {
    const name = mark.slice(ofRoot.length);
    if (existsSync(name === 'database' ? layout.database : hostFolder(layout, name))) continue;
    await endStrays(mark, { exact: true });
    emit({
      type: 'notice',
      message: `Ended the processes of ${name}, which still ran though its folder had been removed.`,
    });
  }
}
