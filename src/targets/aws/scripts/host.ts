import { AGENT_THREADS } from '../../../agent/index.js';
import { agentKey, HOSTS, jobKey } from '../bucket/layout.js';
import { TRUSTSTORE_PASSWORD } from '../data/certificates.js';
import { STORE_ROOT } from '../environment/names.js';
import agent from './agent.sh?raw';
import script from './host.sh?raw';
import files from './host-files.sh?raw';
import neighbours from './host-neighbours.sh?raw';
import programs from './host-programs.sh?raw';
import report from './host-report.sh?raw';
import secrets from './host-secrets.sh?raw';
import workingFiles from './host-working-files.sh?raw';
import type { HostInputs, HostSecret } from './inputs.js';
import prepare from './prepare.sh?raw';
import { type Parts, quote, renderPackedScript, renderScriptInClear } from './render.js';

/** How a program is ended that says nothing of it. */
const USUAL_STOP = { signal: 'SIGTERM', timeoutMs: 30_000 };
/** How long a host that has no check may take until its program runs. */
const DEFAULT_HEALTH_MS = 60_000;

/**
 * The user data of a host, before base64. Values that CloudFormation fills in later may be among the inputs.
 * @throws CONFIG_INVALID where it is larger than EC2 takes
 */
export function renderHostScript(inputs: HostInputs): string {
  return renderPackedScript(partsOf(inputs));
}

/** The same script for a person to read. */
export function renderHostScriptInClear(inputs: HostInputs): string {
  return renderScriptInClear(partsOf(inputs));
}

function partsOf(inputs: HostInputs): Parts {
  const { notReady, health, database, stop = USUAL_STOP } = inputs;
  const prepares = notReady.do === 'prepare' ? notReady : undefined;
  const variables = {
    HOST: inputs.host,
    RELEASE: inputs.release,
    BUCKET: inputs.bucket,
    REGION: inputs.region,
    FILE_SYSTEM: inputs.fileSystemId,
    ACCESS_POINT: inputs.accessPointId,
    STORE: STORE_ROOT,
    PREFIX: `${HOSTS}${inputs.host}/`,
    BOOT: inputs.boot ?? '',
    RUN: inputs.run ?? '',
    BOOT_USER: inputs.bootUser,
    RUN_USER: inputs.user,
    RESTART: inputs.restart ?? 'always',
    STOP_SIGNAL: stop.signal,
    STOP_SECONDS: String(Math.ceil(stop.timeoutMs / 1000)),
    PORT: String(inputs.port ?? ''),
    HEALTH: health?.kind ?? '',
    HEALTH_SCHEME: health?.kind === 'http' && health.secure ? 'https' : 'http',
    HEALTH_PATH: health?.kind === 'http' ? health.path : '',
    HEALTH_STATUS: health?.kind === 'http' ? (health.status ?? []).join(' ') : '',
    HEALTH_SECONDS: String(Math.ceil((health?.timeoutMs ?? DEFAULT_HEALTH_MS) / 1000)),
    DATABASE_SECRET: database?.secret ?? '',
    ...(database === undefined
      ? {}
      : {
          DATABASE_CA: database.pem.sha256,
          DATABASE_CA_KEY: database.pem.key,
          DATABASE_TRUST: database.truststore.sha256,
          DATABASE_TRUST_KEY: database.truststore.key,
          DATABASE_TRUST_PASSWORD: TRUSTSTORE_PASSWORD,
        }),
    SIGNAL_URL: inputs.signalUrl,
    NEIGHBOURS_KEY: inputs.neighboursKey,
    NOT_READY: notReady.do,
    WAIT_SECONDS: String(notReady.do === 'wait' ? notReady.waitSeconds : 0),
    ...(prepares === undefined
      ? {}
      : {
          AGENT: prepares.agent,
          AGENT_KEY: agentKey(prepares.agent),
          JOB: prepares.job,
          JOB_KEY: jobKey(prepares.job),
          AGENT_THREADS: String(AGENT_THREADS),
        }),
  };
  const headers = Object.entries((health?.kind === 'http' && health.headers) || {});
  const exported = Object.entries(inputs.variables).map(([name, value]) => `export ${name}=${quote(value)}`);
  return {
    variables,
    functions: [
      listFunction('needs', inputs.needs),
      listFunction('logs', inputs.logs),
      listFunction('files', Object.entries(inputs.files).flat()),
      shellFunction('host_variables', exported),
      shellFunction(
        'secrets',
        Object.entries(inputs.secrets).map(
          ([variable, source]) => `printf '%s\\n' ${quote(secretLine(variable, source))}`,
        ),
      ),
      shellFunction(
        'health_headers',
        headers.map(([name, value]) => `printf '%s\\n' ${quote(`${name}: ${value}`)}`),
      ),
    ],
    scripts: [
      ...(prepares === undefined ? [] : [agent, prepare]),
      report,
      files,
      neighbours,
      secrets,
      ...(inputs.logs.length + Object.keys(inputs.files).length === 0 ? [] : [workingFiles]),
      programs,
      script,
    ],
  };
}

/** As host-secrets.sh reads it. A key may hold blanks, so it comes last. */
function secretLine(variable: string, source: HostSecret): string {
  const key = source.kind === 'secret' && source.key !== undefined ? [source.key] : [];
  return [variable, source.kind, source.name, ...key].join(' ');
}

/** Prints each on a line. */
function listFunction(name: string, items: readonly string[]): string {
  return shellFunction(name, items.length === 0 ? [] : [`printf '%s\\n' ${items.map(quote).join(' ')}`]);
}

function shellFunction(name: string, lines: string[]): string {
  return [`${name}() {`, ...(lines.length === 0 ? [':'] : lines), '}'].join('\n');
}
