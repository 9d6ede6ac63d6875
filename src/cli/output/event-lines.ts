import { formatBytes } from '../../core/bytes.js';
import type { PreparedIn, PrestageEvent } from '../../core/events.js';
import { formatCount, formatDuration } from '../../core/units.js';
import { shown, shownLines } from './text/shown.js';
import type { Style } from './text/style.js';

export interface Wording {
  style: Style;
  /** Also what is only of interest when something is looked for. */
  verbose: boolean;
}

/** What a person is told of an event: no line, one line, or a line with what belongs under it. Pure. */
export function eventLines(told: PrestageEvent, { style, verbose }: Wording): string[] {
  const event = printable(told);
  const inDetail = (line: string) => (verbose ? [style.dim(line)] : []);
  switch (event.type) {
    case 'source.locked':
      return [`locked    ${event.source} ${style.dim(lockedAs(event.sha256, event.previous))}`];
    case 'package.detected':
      return [
        `${(event.action === 'reuse' ? style.good : style.warn)(event.action.padEnd(7))}   ${event.package} ${style.dim(`(${event.reason})`)}`,
      ];
    case 'phase.started':
      return [`${style.bold(phaseName(event.phase))}: ${event.reason}`];
    case 'phase.finished':
      return [`${style.bold(phaseName(event.phase))}: ${event.outcome}${tookFrom(event.durationMs)}`];
    case 'release.current':
      return [
        `current   ${event.release}${event.previous && event.previous !== event.release ? style.dim(` (was ${event.previous})`) : ''}`,
      ];

    case 'worker.started':
      return inDetail(
        `worker    run ${event.run} prepares ${formatCount(event.packages, 'package')} of release ${event.release}`,
      );
    case 'worker.attached':
      return [`worker    an earlier command's worker is preparing release ${event.release}; following it`];
    case 'store.collected':
      return [`worker    removed ${formatCount(event.removed, 'leftover')} of runs that died`];
    case 'store.measured':
      return [
        `space     at least ${formatBytes(event.bytes)} for ${formatCount(event.files, 'file')}; ${formatBytes(event.freeBytes)} are free`,
        ...(event.last === undefined ? [] : [`last time ${lastText(event.last)}`]),
      ];
    case 'package.started':
      return inDetail(`${event.package}: started as ${event.tree}${sizes(event)}`);
    case 'package.retry':
      return [
        `${event.package}: ${style.warn(`attempt ${event.attempt} failed`)}, again in ${formatDuration(event.delayMs)}: ${event.reason}`,
      ];
    case 'package.step':
      return [`${event.package}: step ${event.step}, ${event.kind}: ${event.summary}`];
    case 'package.published':
      return [`${event.package}: ${style.good(event.reused ? 'ready' : 'prepared')}, ${publishedText(event)}`];
    case 'release.published':
      return inDetail(`worker    published release ${event.release}`);
    case 'worker.finished':
      return inDetail(`worker    run ${event.run} ended after ${formatDuration(event.durationMs)}`);
    case 'worker.failed':
      return inDetail(`worker    run ${event.run} failed: ${event.error.code}`);

    case 'digest.started':
      return inDetail(`${event.source}: reading ${formatBytes(event.bytesTotal)} for its digest`);
    case 'digest.finished':
      return [
        `digested  ${event.source} ${style.dim(`(${formatBytes(event.bytes)}, ${formatDuration(event.durationMs)})`)}`,
      ];
    case 'fetch.started':
      return inDetail(`${event.package}: fetching its source, to know what it is${sizes(event)}`);
    case 'fetch.finished':
      return [
        `fetched   ${event.package} ${style.dim(`(${formatBytes(event.bytes)}, ${formatDuration(event.durationMs)})`)}`,
      ];
    case 'upload.started':
      return inDetail(`${event.source}: uploading ${formatBytes(event.bytesTotal)}`);
    case 'upload.finished':
      return [
        `uploaded  ${event.source} ${style.dim(`(${formatBytes(event.bytes)}, ${formatDuration(event.durationMs)})`)}`,
      ];

    case 'machine.launched':
      return [`worker    launched ${event.instance} ${style.dim(`(${event.instanceType}, run ${event.run})`)}`];
    case 'machine.stage':
      return [`worker    ${event.stage}${event.detail === undefined ? '' : style.dim(` (${event.detail})`)}`];
    case 'machine.ended':
      return [`worker    ${event.instance} is terminated`];

    case 'stack.started':
      return [`stack     ${event.stack}: ${event.action}`];
    case 'stack.resource':
      return stackResource(event, { style, verbose });
    case 'stack.finished':
      return [`stack     ${event.stack}: ${event.status}${tookFrom(event.durationMs)}`];

    case 'host.starting':
      return [`${event.host}: ${event.replaces ? 'replaced, ' : ''}starting on ${at(event)}`];
    case 'host.files':
      return [`${event.host}: ${filesText[event.state]} ${style.dim(`(release ${event.release})`)}`];
    case 'host.booted':
      return [`${event.host}: boot script done in ${formatDuration(event.durationMs)}`];
    case 'host.healthy':
      return [`${event.host}: ${style.good('healthy')} on ${at(event)} after ${formatDuration(event.durationMs)}`];
    case 'host.unchanged':
      return [`${event.host}: unchanged on ${at(event)}`];
    case 'host.failed':
      return [
        `${event.host}: ${style.bad('failed')}: ${event.reason}`,
        ...(verbose ? event.log.map((line) => style.dim(`  | ${line}`)) : []),
      ];
    case 'host.reverting':
      return [`${event.host}: ${style.warn('going back')} to release ${event.release}`];
    case 'host.stopped':
      return [`${event.host}: stopped`];
    case 'database.starting':
      return [`database: starting ${event.engine} ${event.version}`];
    case 'database.ready':
      return [`database: ${style.good('ready')} on ${event.address}:${event.port}`];
    case 'database.stopped':
      return ['database: stopped'];

    // For the report: line by line it would drown the rest.
    case 'package.changed':
      return [];

    // How far these are is told of all together: progress-rows.ts and progress-lines.ts.
    case 'package.progress':
    case 'digest.progress':
    case 'fetch.progress':
    case 'upload.progress':
      return [];

    case 'notice':
      return [event.message];
    case 'warning':
      return [`${style.warn('warning')}: ${event.message}`, ...(event.hint === undefined ? [] : [`  ${event.hint}`])];
    case 'log':
      return [`${style.dim(`${event.source} |`)} ${event.line}`];
    case 'check':
      return [
        `${checkMark(event, style)}  ${formatDuration(event.durationMs).padStart(11)}  ${event.name}${event.detail === undefined ? '' : style.dim(` (${event.detail})`)}`,
      ];
  }
}

/** What may have lines. */
const PROSE = new Set(['message', 'hint', 'reason', 'detail']);

/** What a log says stays as the program wrote it. */
function printable(event: PrestageEvent): PrestageEvent {
  if (event.type === 'log') return event;
  const entries = Object.entries(event).map(([key, value]) => {
    if (typeof value !== 'string') return [key, value];
    return [key, PROSE.has(key) ? shownLines(value) : shown(value)];
  });
  return Object.fromEntries(entries) as PrestageEvent;
}

/** What fails is always told; of the rest, what is done, to those who look for something. */
function stackResource(
  { resource, resourceType, status, reason }: Extract<PrestageEvent, { type: 'stack.resource' }>,
  { style, verbose }: Wording,
): string[] {
  // What was cancelled since something else failed is no news.
  const isCancelled = /cancelled/i.test(reason ?? '');
  if (status.endsWith('_FAILED') && (verbose || !isCancelled))
    return [`stack     ${style.bad(status)} ${resource} (${resourceType})${reason === undefined ? '' : `: ${reason}`}`];
  return verbose && status.endsWith('_COMPLETE')
    ? [style.dim(`stack     ${status} ${resource} (${resourceType})`)]
    : [];
}

const phaseName = (phase: 1 | 2) => (phase === 1 ? 'Phase 1, files' : 'Phase 2, hosts');

const filesText = {
  ready: 'files are ready',
  preparing: 'no files are ready: prepares them itself',
  waiting: 'waits for its files',
};

function tookFrom(durationMs: number): string {
  return durationMs === 0 ? '' : ` in ${formatDuration(durationMs)}`;
}

function lockedAs(sha256: string, previous: string | undefined): string {
  return `sha256:${sha256.slice(0, 16)}${previous === undefined ? '' : `, was ${previous.slice(0, 16)}`}`;
}

function at({ address, port }: { address: string; port?: number }): string {
  return port === undefined ? address : `${address}:${port}`;
}

function publishedText({
  files,
  bytes,
  reused,
  durationMs,
}: {
  files: number;
  bytes: number;
  reused: boolean;
  durationMs: number;
}): string {
  const holds = `${formatCount(files, 'file')}, ${formatBytes(bytes)}`;
  return reused ? holds : `${holds} in ${formatDuration(durationMs)}`;
}

function lastText({ packages, bytes, durationMs }: PreparedIn): string {
  return `${formatCount(packages, 'package')}, ${formatBytes(bytes)}, in ${formatDuration(durationMs)}`;
}

function sizes({ bytesTotal, filesTotal }: { bytesTotal?: number; filesTotal?: number }): string {
  const known = [
    bytesTotal === undefined ? [] : formatBytes(bytesTotal),
    filesTotal === undefined ? [] : formatCount(filesTotal, 'file'),
  ].flat();
  return known.length === 0 ? '' : `, ${known.join(', ')}`;
}

function checkMark({ ok, skipped }: { ok: boolean; skipped?: boolean }, style: Style): string {
  if (skipped) return style.warn('skip');
  return ok ? style.good('ok  ') : style.bad('FAIL');
}
