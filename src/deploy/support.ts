import { readFile } from 'node:fs/promises';
import { arch, release, type as system } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { findConfig, loadConfig, loadPlace } from '../config/index.js';
import { asPrestageError } from '../core/errors.js';
import { version } from '../core/installation.js';
import { redacted } from '../core/redaction.js';
import { secretValues, withoutSecrets } from '../core/secret-lines.js';
import { doctor } from './doctor.js';
import { type CommandOptions, openDeployed } from './project.js';
import { readTraces, reportsFolder } from './report/reports-folder.js';
import type { SupportResult } from './results.js';
import { logs, status } from './status.js';
import { releases } from './store.js';

/** Lines of each log: what it ended with. */
const LOG_LINES = 200;
/** A part that is longer has its end alone. */
const MAX_BYTES = 256 * 1024;

/**
 * What somebody who looks into a problem asks for: versions, the configuration, what is deployed, what doctor finds, the last
 * deployment, the ends of logs. Nothing outside of the project and of what Prestage wrote, and no secret, as far as names and
 * forms tell them. What cannot be read is a part that says why.
 */
export async function support(options: CommandOptions): Promise<SupportResult> {
  const config = await findConfig(options.config ?? process.cwd());
  const { environment, name } = await loadPlace(config, options.environment);
  const quiet = { ...options, emit: () => {} };
  const parts: [name: string, read: () => Promise<string>][] = [
    ['versions', async () => versions()],
    [basename(config), () => readFile(config, 'utf8')],
    ['prestage.lock', () => readFile(join(dirname(config), 'prestage.lock'), 'utf8')],
    ['status', async () => json(await status(quiet))],
    ['releases', async () => json(await releases(quiet))],
    ['doctor', async () => json(await doctor(quiet))],
    ['last deployment', () => lastDeployment(options)],
    ['logs', () => endsOfLogs(options)],
  ];
  // What a program says of a secret that the configuration gives it has no name beside it.
  const secrets = secretValues(await loadConfig(config, options).catch(() => undefined));
  const read = parts.map(async ([part, text]) => ({ name: part, text: cleaned(await text().catch(inWords), secrets) }));
  return { environment: environment.name, project: name, parts: await Promise.all(read) };
}

function versions(): string {
  const { node, v8 } = process.versions;
  return `prestage ${version}\nnode ${node}, v8 ${v8}\n${system()} ${release()}, ${arch()}\n`;
}

/** Times, and what failed; which files its steps changed is in its report. */
async function lastDeployment(options: CommandOptions): Promise<string> {
  const { folder, environment } = await openDeployed({ ...options, emit: () => {} });
  const [last] = await readTraces(reportsFolder(folder, environment.name));
  if (last === undefined) return 'None is known here.\n';
  const { trees: _, ...told } = last;
  return json(told);
}

async function endsOfLogs(options: CommandOptions): Promise<string> {
  const lines: string[] = [];
  await logs({
    ...options,
    follow: false,
    tail: LOG_LINES,
    emit: (event) => {
      if (event.type === 'log') lines.push(`${event.source}  ${event.line}`);
    },
  });
  return `${lines.join('\n')}\n`;
}

function json(value: object): string {
  return `${JSON.stringify(redacted(value), null, 1)}\n`;
}

function inWords(error: unknown): string {
  return `It could not be read: ${asPrestageError(error).message}\n`;
}

/** Cleaned first and cut then: a name, or the beginning of a key, may be in what is cut off. */
function cleaned(text: string, secrets: readonly string[]): string {
  const clean = withoutSecrets(text.split('\n'), secrets).join('\n');
  return clean.length > MAX_BYTES ? `…\n${clean.slice(-MAX_BYTES)}` : clean;
}
