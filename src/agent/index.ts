/** The worker process: how to start one, and how to follow it, now or later, here or from afar. */
export { followRun, runningAgent } from './follow.js';
export { type AgentJob, type AgentResult, type AgentTask, agentJob } from './job.js';
export { followRemoteRun } from './remote/follow-remote-run.js';
export { agentRecord, runFiles } from './run-folder.js';
export { startAgent } from './start.js';
export { AGENT_THREADS } from './threads.js';
