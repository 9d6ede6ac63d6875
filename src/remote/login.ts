import { PrestageError } from '../core/errors.js';
import { percentDecoded } from '../core/percent-decoded.js';
import type { LoginSetting, ServerAccess } from '../core/server-access.js';
import { shownPath } from '../core/shown-path.js';
import { netrcLogin } from './netrc.js';

/** What a server is sent to let us in. */
export interface Login {
  header: string;
  /** The secret. */
  value: string;
  /** What it is and where it comes from, for messages. */
  says: string;
}

/**
 * The login for a source's own server: what its URL says, else the configuration, else `.netrc`. The latter two never
 * travel over http.
 * @throws LOGIN_SETTINGS
 */
export async function loginFor(url: URL, access: ServerAccess | undefined): Promise<Login | undefined> {
  const written = loginOfUrl(url);
  if (written !== undefined || url.protocol !== 'https:') return written;
  if (access?.auth !== undefined) return loginFromEnvironment(access.auth, url.host);
  const found = await netrcLogin(url.hostname);
  return (
    found && basicLogin(found.user, found.password, `user and password of ${shownPath(found.file)} for ${url.hostname}`)
  );
}

export function loginOfUrl({ username, password }: URL): Login | undefined {
  if (username === '' && password === '') return undefined;
  return basicLogin(percentDecoded(username), percentDecoded(password), "user and password in the source's address");
}

/** @throws LOGIN_SETTINGS where the variable is not set, or holds what no header may have */
export function loginFromEnvironment(
  { fromEnv, header = 'Authorization', user }: LoginSetting,
  server: string,
  env = process.env,
): Login {
  const value = env[fromEnv] ?? '';
  if (value === '') throw unusable(fromEnv, server, 'is not set', 'Set it where the command runs');
  if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
    throw unusable(fromEnv, server, 'holds a line break or another character that no header may have', 'Correct it');
  if (user !== undefined) return basicLogin(user, value, `user ${user} with the password in ${fromEnv}`);
  // RFC 9110, section 11.6.2: credentials begin with a scheme, so one word is a token without it.
  const bare = header.toLowerCase() === 'authorization' && !value.trim().includes(' ');
  const says = bare ? `the token in ${fromEnv}` : `the header ${header} with what is in ${fromEnv}`;
  return { header: header.toLowerCase(), value: bare ? `Bearer ${value.trim()}` : value, says };
}

function unusable(variable: string, server: string, what: string, remedy: string): PrestageError {
  const message = `The variable ${variable}, which has the login for ${server}, ${what}.`;
  return new PrestageError('LOGIN_SETTINGS', message, {
    hint: `${remedy}, and run the same command again. Its name is from \`servers\` in the configuration.`,
    context: { variable, server },
  });
}

export function basicLogin(user: string, password: string, says: string): Login {
  const value = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return { header: 'authorization', value, says };
}
