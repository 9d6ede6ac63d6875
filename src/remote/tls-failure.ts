import { PrestageError } from '../core/errors.js';

interface Problem {
  what: string;
  hint: string;
}

const UNKNOWN_AUTHORITY: Problem = {
  what: 'has a certificate that is not trusted here',
  hint: 'If a proxy or the server uses a private authority, name its certificate (PEM) in the configuration, `servers: { <host>: { ca: … } }`, or for all servers in NODE_EXTRA_CA_CERTS; then run the same command again.',
};

/** By the code that Node gives: OpenSSL's names of what is wrong with a chain, and Node's own for the rest. */
const PROBLEMS: Readonly<Record<string, Problem>> = {
  CERT_HAS_EXPIRED: {
    what: 'has a certificate that has expired',
    hint: 'It has to be renewed on the server, or by the proxy in between. Check the clock of this machine, too.',
  },
  CERT_NOT_YET_VALID: {
    what: 'has a certificate that is not valid yet',
    hint: 'Check the clock of this machine.',
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    what: 'has a certificate that is for another host',
    hint: 'Check the host name in the source: it must be one that the certificate names.',
  },
};

/** Alerts by which a server says no to the certificate that it was shown (RFC 8446, section 6.2). */
const NOT_ACCEPTED: Problem = {
  what: 'does not accept the client certificate, or wants one and was shown none',
  hint: 'Name it in the configuration, `servers: { <host>: { cert: client.pem, key: client.key } }`: of an authority that the server knows, and not expired.',
};
const REFUSALS =
  /^ERR_SSL_(TLSV1|SSLV3|TLSV13)_ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_(REQUIRED|UNKNOWN|EXPIRED|REVOKED)|UNSUPPORTED_CERTIFICATE|HANDSHAKE_FAILURE|ACCESS_DENIED)$/;

const NO_HANDSHAKE: Problem = {
  what: 'does not speak TLS, or only versions that are not supported here',
  hint: 'Check the port, and whether the source should begin with http:// (which needs an `integrity` beside it).',
};

/** What a failed handshake means, where trying again is no use; undefined for any other failure. */
export function failureOfTls(url: string, code: string | undefined, cause: unknown): PrestageError | undefined {
  if (code === undefined || !/CERT|TLS|SSL|SIGNATURE|SELF_SIGNED/.test(code)) return undefined;
  const { what, hint } =
    PROBLEMS[code] ??
    (REFUSALS.test(code) ? NOT_ACCEPTED : code.startsWith('ERR_SSL_') ? NO_HANDSHAKE : UNKNOWN_AUTHORITY);
  return new PrestageError('SOURCE_UNREACHABLE', `${url} ${what} (${code}).`, {
    hint,
    context: { url, errno: code },
    cause,
  });
}
