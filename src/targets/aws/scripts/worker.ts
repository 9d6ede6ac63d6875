import { AGENT_THREADS } from '../../../agent/index.js';
import { agentKey, jobKey, runKeys } from '../bucket/layout.js';
import { STORE_ROOT } from '../environment/names.js';
import agent from './agent.sh?raw';
import type { WorkerInputs } from './inputs.js';
import { renderScript } from './render.js';
import script from './worker.sh?raw';

/** The user data of a worker, in clear. */
export function renderWorkerScript(inputs: WorkerInputs): string {
  const variables = {
    BUCKET: inputs.bucket,
    REGION: inputs.region,
    FILE_SYSTEM: inputs.fileSystemId,
    ACCESS_POINT: inputs.accessPointId,
    STORE: STORE_ROOT,
    PREFIX: runKeys(inputs.run).prefix,
    DEADLINE: String(inputs.deadlineSeconds),
    AGENT: inputs.agent,
    AGENT_KEY: agentKey(inputs.agent),
    JOB: inputs.job,
    JOB_KEY: jobKey(inputs.job),
    AGENT_THREADS: String(AGENT_THREADS),
  };
  return renderScript({ variables, scripts: [agent, script] });
}
