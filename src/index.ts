/**
 * Prestage as a library: what the command line does, as functions that return data and emit typed events.
 *
 * ```ts
 * import { deploy } from 'prestage';
 * const { release } = await deploy({ config: 'prestage.config.yaml', emit: () => {}, signal: AbortSignal.timeout(600_000) });
 * ```
 */

export { type Config, type ConfigInput, defineConfig } from './config/index.js';
export { ARCHIVE_REASONS, type ArchiveReason } from './core/archive-reasons.js';
export { ERRORS, type ErrorCode, type ErrorContext, PrestageError, type SerializedError } from './core/errors.js';
export type { Emit, PrestageEvent, TimedEvent } from './core/events.js';
export * from './deploy/index.js';
export type { PrunePlan, ReleaseRecord } from './store/index.js';
