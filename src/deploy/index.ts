export type { Change, ChangedValue } from './changes/recipe-changes.js';
export { type DeployOptions, deploy } from './deploy.js';
export { type DestroyPlan, destroy, destroyPlan, endTemporary } from './destroy.js';
export { type DiffOptions, diff } from './diff.js';
export { doctor, policy } from './doctor.js';
export { type ExplainOptions, explain } from './explain.js';
export { type EnvironmentOverview, overview, type ProjectOverview } from './overview.js';
export { type PlanOptions, plan } from './plan.js';
export type { CommandOptions } from './project.js';
export { type ReportOptions, report } from './report/report.js';
export type {
  ConfigResult,
  DeployResult,
  DiffResult,
  DoctorResult,
  ExplainResult,
  PackageResult,
  PlanResult,
  PruneResult,
  ReleasesResult,
  ReportResult,
  RollbackResult,
  StatusResult,
  SupportResult,
  Unrepaired,
  VerifyResult,
} from './results.js';
export { type RollbackOptions, rollback } from './rollback.js';
export { showConfig } from './show-config.js';
export { logs, status } from './status.js';
export { planPrune, prune, releases } from './store.js';
export { support } from './support.js';
export { type VerifyOptions, verify } from './verify.js';
