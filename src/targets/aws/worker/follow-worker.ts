import * as z from 'zod';
import { type AgentResult, followRemoteRun } from '../../../agent/index.js';
import type { CommandContext } from '../../../core/command-context.js';
import { PrestageError } from '../../../core/errors.js';
import { pause } from '../../../core/pause.js';
import { runKeys } from '../bucket/layout.js';
import type { AwsContext, Place } from '../environment/context.js';
import {
  consoleTail,
  endMachine,
  type Machine,
  Sighting,
  saidByEc2,
  terminateMachine,
  UNKNOWN_MS,
} from './machines.js';

export interface Patience {
  /** Between two looks at the machine, in ms. */
  pollMs: number;
  /** How long a machine may take from its launch until it says anything. */
  startMs: number;
  /** How long a worker that spoke may say nothing at all; its heart beats every 10 s. */
  silenceMs: number;
  /** How long a worker that has ended may take to be gone by itself. */
  goneMs: number;
  /** How long EC2 may not know the machine that it has launched. */
  unknownMs: number;
}

export const PATIENCE: Patience = {
  pollMs: 3000,
  startMs: 10 * 60_000,
  silenceMs: 5 * 60_000,
  goneMs: 30_000,
  unknownMs: UNKNOWN_MS,
};

/** `time` changes each time that a stage is said, also where nothing else does. */
const stageReport = z.object({ stage: z.string(), detail: z.string().optional(), time: z.string().optional() });

interface Watched {
  run: string;
  /** The instance's id. */
  instance: string;
}

interface Sighted extends Watched {
  sighting: Sighting;
}

interface Watching extends CommandContext {
  patience?: Patience;
}

/**
 * Follows a worker's run to its end, no matter who launched it. Aborting the signal stops following, never the worker. However it ends,
 * its machine is seen to be gone before this returns.
 * @throws MACHINE_STUCK; the signal's reason
 */
export async function followWorker(
  context: AwsContext,
  place: Place,
  { run, instance }: Watched,
  options: Watching,
): Promise<AgentResult> {
  const { emit, signal, patience = PATIENCE } = options;
  const followed = new AbortController();
  const watching = { ...options, signal: AbortSignal.any([signal, followed.signal]) };
  const bucket = {
    get: (key: string) => place.bucket.getText(key),
    list: (prefix: string) => place.bucket.list(prefix),
  };
  const result = followRemoteRun({ bucket, prefix: runKeys(run).prefix, emit, signal: watching.signal });
  const sighting = new Sighting(context.session.ec2, instance, patience.unknownMs);
  const death = deathOf(context, place, { run, instance, sighting }, watching);
  try {
    return await Promise.race([result, death]);
  } finally {
    followed.abort();
    await Promise.allSettled([result, death]);
    if (!signal.aborted) await seeItGone(context, { run, instance, sighting }, options);
  }
}

/** Settles when the worker cannot give a result any more, with why. */
async function deathOf(
  context: AwsContext,
  { bucket }: Place,
  { run, instance, sighting }: Sighted,
  { emit, signal, patience = PATIENCE }: Watching,
): Promise<AgentResult> {
  const keys = runKeys(run);
  let last = { sign: '', at: performance.now() };
  let stage = '';
  let detail = '';
  for (;;) {
    await pause(patience.pollMs, signal);
    const [report, heartbeat, ended] = await Promise.all([
      bucket.getJson(keys.stage, stageReport),
      bucket.getText(keys.heartbeat),
      bucket.getText(keys.ended),
    ]);
    const told = report?.value;
    if (told !== undefined && (told.stage !== stage || (told.detail ?? '') !== detail)) {
      stage = told.stage;
      detail = told.detail ?? '';
      emit({ type: 'machine.stage', run, stage, ...(detail === '' ? {} : { detail }) });
    }
    const sign = JSON.stringify([told, heartbeat]);
    if (sign !== last.sign) last = { sign, at: performance.now() };
    const seen = await sighting.look();
    if (stage === 'failed') return failed(setupFailure(told?.detail ?? 'it did not say why', instance));
    if (ended !== undefined || seen.is === 'gone') {
      // What the agent wrote last is there before its machine ends: the follower reads it, where there is anything.
      await pause(2 * patience.pollMs, signal);
      const reason = seen.is === 'gone' ? seen.machine?.reason : undefined;
      return failed(await died(context, bucket, { run, instance }, 'ended without a result', reason));
    }
    const silent = performance.now() - last.at;
    if (told === undefined && silent > patience.startMs)
      return failed(await died(context, bucket, { run, instance }, `said nothing within ${minutes(patience.startMs)}`));
    if (told !== undefined && silent > patience.silenceMs)
      return failed(
        await died(context, bucket, { run, instance }, `has said nothing for ${minutes(patience.silenceMs)}`),
      );
  }
}

function failed(error: PrestageError): AgentResult {
  return { ok: false, error: error.serialize() };
}

function setupFailure(detail: string, instance: string): PrestageError {
  return new PrestageError('WORKER_SETUP', `The worker ${instance} could not begin: ${detail.replace(/\.?$/, '.')}`, {
    hint: 'Fix what it says (`prestage doctor` checks much of it), and run the same command again. `prestage logs worker` shows its whole output.',
    context: { instance },
  });
}

async function died(
  { session }: AwsContext,
  bucket: Place['bucket'],
  { run, instance }: Watched,
  how: string,
  reason?: Machine['reason'],
): Promise<PrestageError> {
  const { log, bootLog } = runKeys(run);
  const written = (await bucket.getText(log)) ?? (await bucket.getText(bootLog)) ?? '';
  const lines = written.split('\n').filter((line) => line.trim() !== '');
  const words = lines.length > 0 ? lines.slice(-20) : await consoleTail(session.ec2, instance);
  const last = words.at(-1);
  return new PrestageError(
    'WORKER_DIED',
    `The worker ${instance} ${how}${saidByEc2(reason)}${last === undefined ? '' : `; its last words: ${last}`}.`,
    {
      hint: hintOf(reason?.code),
      context: { run, instance, log: words, ...(reason === undefined ? {} : { awsCode: reason.code }) },
    },
  );
}

/** By the code of the reason why EC2 ended a machine ("Troubleshoot Amazon EC2 instance launch issues"). */
function hintOf(code: string | undefined): string {
  switch (code) {
    case 'Client.InternalError':
      return 'EC2 could not use what the machine is made of. Mostly that is the key by which the account encrypts disks: the credentials of this command need kms:CreateGrant, kms:Decrypt, kms:DescribeKey and kms:GenerateDataKeyWithoutPlaintext for it (`aws ec2 get-ebs-default-kms-key-id` shows it).';
    case 'Client.VolumeLimitExceeded':
      return 'The account has no room for another disk: ask for a higher quota of EBS storage, or remove disks. Then run the same command again.';
    case 'Server.InsufficientInstanceCapacity':
      return 'AWS has no such machine free in the zones of the worker: wait, or set another type as `instanceTypes.worker` of the environment. Then run the same command again.';
    case 'Client.UserInitiatedShutdown':
      return 'Somebody or something else terminated it. Run the same command again: what is prepared is kept.';
    default:
      return 'Run the same command again: what is prepared is kept. `prestage logs worker` shows its whole output.';
  }
}

/** A worker ends its machine itself. One that is not seen to be gone a moment later is ended: it costs money. */
async function seeItGone(
  { session: { ec2 } }: AwsContext,
  { run, instance, sighting }: Sighted,
  { emit, signal, patience = PATIENCE }: Watching,
): Promise<void> {
  const until = performance.now() + patience.goneMs;
  for (;;) {
    const seen = await sighting.look();
    // One that EC2 never came to know costs nothing if it is not there; if it is, this ends it.
    if (seen.is === 'gone' && seen.machine === undefined) await terminateMachine(ec2, instance);
    if (seen.is === 'gone') break;
    if (performance.now() > until) {
      await endMachine(ec2, instance, { signal });
      break;
    }
    await pause(patience.pollMs, signal);
  }
  emit({ type: 'machine.ended', run, instance });
}

function minutes(ms: number): string {
  return `${Math.round(ms / 60_000)} minutes`;
}
