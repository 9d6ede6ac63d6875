import type { ServerAccess } from '../../core/server-access.js';
import { isReadByOthers, loginFor, netrcFiles, tlsMaterial } from '../../remote/index.js';
import { ok, warning } from './finding.js';
import type { Check } from './run-checks.js';

/** A server that a source is on, and how it is to let us in. */
export interface SourceServer {
  url: URL;
  access: ServerAccess | undefined;
}

/** Whether all is there that is sent to the servers of sources. They are not asked. None where no source is on a server. */
export function loginChecks(servers: readonly SourceServer[]): Check[] {
  if (servers.length === 0) return [];
  return [{ name: 'logins', run: () => checkLogins(servers) }];
}

async function checkLogins(servers: readonly SourceServer[]) {
  const found = new Map<string, string>();
  for (const { url, access } of servers) {
    await tlsMaterial(access);
    found.set(url.host, (await loginFor(url, access))?.says ?? 'none');
  }
  const said = [...found].map(([host, says]) => `${host}: ${says}`).join('; ');
  const [named] = process.env.NETRC ? netrcFiles(process.env) : [];
  if (named !== undefined && said.includes(named) && (await isReadByOthers(named)))
    return warning(`Others can read ${named}, which holds passwords.`, `Run: chmod 600 ${named}`);
  return ok(`What servers are sent: ${said}.`);
}
