import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { errnoOf, PrestageError } from '../core/errors.js';
import { shownPath } from '../core/shown-path.js';
import { basicLogin, type Login } from './login.js';

const dockerConfig = z.object({
  auths: z
    .record(z.string(), z.object({ auth: z.string().optional(), identitytoken: z.string().optional() }))
    .optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});

/** What `docker login` keeps for a registry, in its file or with a helper. @throws LOGIN_SETTINGS where it cannot be used */
export async function dockerLogin(registry: string): Promise<Login | undefined> {
  const file = join(process.env.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json');
  const config = await readConfig(file);
  const server = registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry;
  const helper = config.credHelpers?.[server] ?? config.credsStore;
  const fromHelper = helper === undefined ? undefined : await askHelper(helper, server);
  if (fromHelper !== undefined) return fromHelper;
  const entry = config.auths?.[server] ?? config.auths?.[`https://${server}`];
  if (entry?.identitytoken) throw identityToken(registry, shownPath(file));
  if (!entry?.auth) return undefined;
  const [, user = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(entry.auth, 'base64').toString()) ?? [];
  return basicLogin(user, password, `user and password of ${shownPath(file)} for ${registry}`);
}

async function readConfig(file: string): Promise<z.infer<typeof dockerConfig>> {
  try {
    return dockerConfig.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return {};
    throw new PrestageError('LOGIN_SETTINGS', `${shownPath(file)} cannot be read as Docker's configuration.`, {
      hint: 'Correct it, or name another folder in DOCKER_CONFIG.',
      context: { path: file },
      cause,
    });
  }
}

const credentials = z.object({ Username: z.string(), Secret: z.string() });

/** docker-credential-helpers: the server on stdin, JSON on stdout. It fails where it has nothing, and says so on stdout. */
async function askHelper(helper: string, server: string): Promise<Login | undefined> {
  const program = `docker-credential-${helper}`;
  try {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'] });
    await once(child, 'spawn');
    child.stdin.on('error', () => {}).end(server);
    const [said, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    if (status !== 0 && /not found/i.test(said)) return undefined;
    const { Username, Secret } = credentials.parse(JSON.parse(said));
    if (Username === '<token>') throw identityToken(server, program);
    return basicLogin(Username, Secret, `user and password of ${program} for ${server}`);
  } catch (cause) {
    if (cause instanceof PrestageError) throw cause;
    throw new PrestageError('LOGIN_SETTINGS', `${program}, which has the login for ${server}, gave none.`, {
      hint: `Log in again, or try it: echo ${server} | ${program} get`,
      context: { server },
    });
  }
}

function identityToken(server: string, where: string): PrestageError {
  return new PrestageError('LOGIN_SETTINGS', `${where} has an identity token for ${server}, which is not supported.`, {
    hint: 'Give user and password: in ~/.netrc, or under `servers` in the configuration.',
    context: { server },
  });
}
