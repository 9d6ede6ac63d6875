import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { PrestageError } from '../core/errors.js';
import type { ServerAccess } from '../core/server-access.js';
import { shownPath } from '../core/shown-path.js';

/** Whom to trust and what to show at the start of a connection, in PEM. */
export interface TlsMaterial {
  ca?: string;
  cert?: string;
  key?: string;
}

/** The files of a server's settings; undefined where it has none. @throws LOGIN_SETTINGS where they cannot be used */
export async function tlsMaterial(access: ServerAccess | undefined): Promise<TlsMaterial | undefined> {
  const { ca, cert, key } = access ?? {};
  if (ca === undefined && cert === undefined) return undefined;
  const material = {
    ...(ca === undefined ? {} : { ca: await pem('ca', ca) }),
    ...(cert === undefined ? {} : { cert: await pem('cert', cert) }),
    ...(key === undefined ? {} : { key: await pem('key', key) }),
  };
  try {
    createSecureContext(material);
  } catch (cause) {
    const files = [cert, key].filter((path) => path !== undefined).map(shownPath);
    throw unusable(`${files.join(' with ')} cannot be used as a client certificate`, cert ?? ca ?? '', cause);
  }
  return material;
}

/** Node takes a file without any certificate as one that trusts nobody, so what is in it is looked at here. */
async function pem(what: 'ca' | 'cert' | 'key', path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw unusable(`${shownPath(path)} cannot be read`, path, cause);
  }
  if (!/^-----BEGIN /m.test(text)) throw unusable(`${shownPath(path)} is not a file in PEM`, path, undefined);
  if (what === 'key' && /^-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(text))
    throw unusable(`The key ${shownPath(path)} is encrypted, and nobody is asked for its passphrase`, path, undefined);
  return text;
}

function unusable(what: string, path: string, cause: unknown): PrestageError {
  const code = cause instanceof Error && 'code' in cause ? ` (${cause.code})` : '';
  return new PrestageError('LOGIN_SETTINGS', `${what}${code}.`, {
    hint: 'Correct the file, or its name under `servers` in the configuration: PEM, a key without a passphrase.',
    context: { path },
    cause,
  });
}
