/**
 * The size of the agent's thread pool, no matter who starts it: each file operation under way takes a thread, and on a network
 * file system waits in it. Measured: docs/decisions/0004-the-worker-process.md.
 */
export const AGENT_THREADS = 64;
