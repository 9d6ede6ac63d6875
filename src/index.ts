/**
 * Prestage as a library: what the command line does, as functions that return data and emit typed events. What is listed here,
 * with its types, is covered by semantic versioning (docs/versions.md); test/public-types.golden shows all of it.
 *
 * ```ts
 * import { deploy } from 'prestage';
 * const { release } = await deploy({ config: 'prestage.config.yaml', emit: () => {}, signal: AbortSignal.timeout(600_000) });
 * ```
 */

export { type ConfigContext, type ConfigInput, defineConfig } from './config/index.js';
export { ARCHIVE_REASONS, type ArchiveReason } from './core/archive-reasons.js';
export { ERRORS, type ErrorCode, type ErrorContext, PrestageError, type SerializedError } from './core/errors.js';
export type { Emit, PrestageEvent, TimedEvent } from './core/events.js';
export {
  type Change,
  type ChangedValue,
  type CommandOptions,
  type ConfigResult,
  type DeployOptions,
  type DeployResult,
  type DestroyPlan,
  type DiffOptions,
  type DiffResult,
  type DoctorResult,
  deploy,
  destroy,
  destroyPlan,
  diff,
  doctor,
  type EnvironmentOverview,
  type ExplainOptions,
  type ExplainResult,
  endTemporary,
  explain,
  logs,
  overview,
  type PackageResult,
  type PlanOptions,
  type PlanResult,
  type ProjectOverview,
  type PruneResult,
  plan,
  planPrune,
  policy,
  prune,
  type ReleasesResult,
  type ReportOptions,
  type ReportResult,
  type RollbackOptions,
  type RollbackResult,
  releases,
  report,
  rollback,
  type StatusResult,
  type SupportResult,
  showConfig,
  status,
  support,
  type Unrepaired,
  type VerifyOptions,
  type VerifyResult,
  verify,
} from './deploy/index.js';
export type { PrunePlan, ReleaseRecord } from './store/index.js';
