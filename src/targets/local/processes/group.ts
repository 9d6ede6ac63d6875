import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { readProc, statField } from '../../../core/process-identity.js';
import { processIds } from './marked.js';

/**
 * Ends a process group: `signal`, after `graceMs` SIGKILL. Resolves when no process of it is left, or, with false, when
 * something survived both for a while.
 */
export async function endGroup(groupId: number, graceMs: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<boolean> {
  if (process.platform === 'win32') {
    // Windows has no groups and no signals: the tree below a process is what comes nearest. Run under Wine only.
    spawnSync('taskkill', ['/pid', String(groupId), '/t', '/f'], { stdio: 'ignore' });
    return true;
  }
  signalGroup(groupId, signal);
  if (await isGone(groupId, graceMs)) return true;
  signalGroup(groupId, 'SIGKILL');
  return isGone(groupId, 5_000);
}

async function isGone(groupId: number, limitMs: number): Promise<boolean> {
  const limit = performance.now() + limitMs;
  for (let pauseMs = 5; groupLives(groupId); pauseMs = Math.min(pauseMs * 2, 100)) {
    if (performance.now() > limit) return false;
    await sleep(pauseMs);
  }
  return true;
}

/** A zombie still takes signals, and where nobody reaps (a container without init) it stays; so Linux is asked in detail. */
function groupLives(groupId: number): boolean {
  if (!signalGroup(groupId, 0)) return false;
  if (process.platform !== 'linux') return true;
  return processIds().some((pid) => {
    const stat = readProc(`${pid}/stat`);
    return stat !== undefined && statField(stat, 5) === String(groupId) && statField(stat, 3) !== 'Z';
  });
}

function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch {
    return false;
  }
}
