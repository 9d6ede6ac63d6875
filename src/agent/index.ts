export { type FollowRunOptions, followRun, isAgentRunning } from './follow.js';
export { type AgentJob, type AgentResult, agentJob, agentResult } from './job.js';
export { identityOf, isRunning, type ProcessIdentity } from './process-identity.js';
export { type StartOptions, startAgent } from './start.js';
