import { errnoOf, PrestageError } from '../../../core/errors.js';
import { isRunning, type ProcessIdentity, signalProcess } from '../../../core/process-identity.js';
import { replaceFile } from '../../../core/replace-file.js';
import { hostFiles, hostMark, type LocalLayout } from '../layout.js';
import { endProcesses, untilEnded } from '../processes/ended.js';
import { endGroup } from '../processes/group.js';
import { findMarked, MARK } from '../processes/marked.js';
import type { HostSpec } from './spec.js';
import { type HostState, readState } from './state.js';

/** Beside the time that its program has to stop (10 s where it says nothing), the supervisor needs up to 5 s for SIGKILL of its group. */
const SUPERVISOR_MS = 10_000;
const USUAL_STOP_MS = 10_000;
const STRAY_GRACE_MS = 5_000;

/**
 * Ends everything that runs for a host: its supervisor with the program, and daemons that left its process group (found
 * on Linux only). The folder stays. @throws PROCESS_STUCK
 */
export async function stopHost({ root }: LocalLayout, folder: string, spec: HostSpec): Promise<void> {
  const state = await readState(folder);
  if (state) await stopSupervisor(state, spec);
  await endStrays(hostMark(root, spec.host), { exact: true });
  // In a root that was moved, processes still carry the old mark; in a copy of a root they are the original's.
  if (state) await endStrays(spec.environment[MARK] ?? '', { exact: true });
  const last = await readState(folder);
  if (last && last.phase !== 'failed') record(folder, { ...last, phase: 'stopped' });
}

/** On a full disk the old state stays: its processes are gone, and that is seen as stopped too. */
function record(folder: string, state: HostState): void {
  try {
    replaceFile(hostFiles(folder).state, `${JSON.stringify(state)}\n`);
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '')) throw error;
  }
}

async function stopSupervisor({ supervisor, child }: HostState, { stop }: HostSpec): Promise<void> {
  if (process.platform === 'win32') await endGroup(supervisor.pid, 0);
  signalProcess(supervisor, 'SIGTERM');
  for (const stuck of await untilEnded([supervisor], (stop?.timeoutMs ?? USUAL_STOP_MS) + SUPERVISOR_MS))
    signalProcess(stuck, 'SIGKILL');
  if (child && isRunning(child)) await endGroup(child.pid, STRAY_GRACE_MS);
}

/** Ends the processes that carry a mark. @throws PROCESS_STUCK where one survives SIGKILL */
export async function endStrays(mark: string, which: { exact: boolean; variable?: string }): Promise<void> {
  // What is being ended may start another process meanwhile.
  for (let round = 0; round < 5; round++) {
    const strays = findMarked(mark, which);
    if (strays.length === 0) return;
    const stuck = await endProcesses(strays, STRAY_GRACE_MS);
    if (stuck.length > 0) throw stuckError(stuck);
  }
  throw stuckError(findMarked(mark, which));
}

export function stuckError(processes: readonly ProcessIdentity[]): PrestageError {
  const ids = processes.map(({ pid }) => pid).join(', ');
  return new PrestageError('PROCESS_STUCK', `These processes did not end, even when they were killed: ${ids}.`, {
    hint: 'A process that hangs in the kernel, usually on a network file system, ends when that answers again. Then run the same command again.',
    context: { processes: ids },
  });
}
