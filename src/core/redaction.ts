/**
 * The one cleaner: whatever leaves a process (errors, events, logs, reports) passes it. It knows secrets by their form and
 * by the names that they have in URLs, headers and settings, so it needs no list of them.
 */

const HIDDEN = '***';

/**
 * A URL's user and password, and its query, which may be a signature. A password may hold `/`, `?` or `#` as it was
 * written by hand: then what follows the first colon is no port.
 */
const URLS =
  /\b(\w[\w+.-]{0,30}:\/\/)((?:[^\s'"\\/?#]*|[^\s'"\\/?#@:]*:(?!\d{0,5}(?:[/?#]|$))[^\s'"\\@]*)@)?([^\s'"\\?#]*)(\?[^\s'"\\]*)?/g;

/** Names whose values are secret, as they stand in headers, in JSON and in what programs print of objects. */
const HEADERS =
  /\b((?:proxy-)?authorization|(?:set-)?cookie|x-amz-security-token|x-aws-ec2-metadata-token(?!-ttl)|x-api-key|private-token)(\\?["']?\s*[:=]\s*)(?:(\\?["'])[^"'\\\r\n]*|[^"'\s\\][^\r\n]*)/gi;

/** A value after such a name and a colon or an equals sign: of AWS, whose names stand for nothing else. */
const AWS_SETTINGS =
  /\b((?:aws[_-]?)?(?:secret[_-]?access[_-]?key|session[_-]?token|security[_-]?token)|x-amz-(?:signature|credential|security-token))(\\?["']?\s*(?:[:=]|%3D)\s*\\?["']?)[^\s"'\\&,;}]+/gi;

/** Words that prose has too: a secret follows only where `=` stands at once, or where it is a member of JSON. */
const ASSIGNMENTS =
  /\b((?:[\w.-]{0,40}[_.-])?(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|sig|signature|credential|awsaccesskeyid)|accesstoken|clientsecret)(=|\\?["']\s*:\s*\\?["'])[^\s"'\\&,;}]+/gi;

/** `Basic` is followed by base64 of `user:password`; in prose by other words. */
const BASIC = /\b(Basic\s+)([A-Za-z0-9+/]{4,}={0,2})/gi;
const BEARER = /\b((?:Bearer|Token)\s+)[\w.~+/-]{16,}=*/g;
const JSON_WEB_TOKEN = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g;
const ACCESS_KEY_ID = /\b(AKIA|ASIA)[A-Z0-9]{16}\b/g;

/** A text without what must not be read by others: `https://user:secret@host/x?signature=…` as `https://***@host/x?***`. */
export function withoutCredentials(text: string): string {
  return text
    .replace(
      URLS,
      (_, scheme, user, rest, query) =>
        `${scheme}${user ? `${HIDDEN}@` : ''}${rest}${query && query !== '?' ? `?${HIDDEN}` : (query ?? '')}`,
    )
    .replace(HEADERS, (_, name, sign, quote = '') => `${name}${sign}${quote}${HIDDEN}`)
    .replace(AWS_SETTINGS, `$1$2${HIDDEN}`)
    .replace(ASSIGNMENTS, `$1$2${HIDDEN}`)
    .replace(BASIC, (all, scheme, value) => (isUserAndPassword(value) ? scheme + HIDDEN : all))
    .replace(BEARER, `$1${HIDDEN}`)
    .replace(JSON_WEB_TOKEN, HIDDEN)
    .replace(ACCESS_KEY_ID, `$1${HIDDEN}`);
}

function isUserAndPassword(base64: string): boolean {
  return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(Buffer.from(base64, 'base64').toString('latin1'));
}

/** Members that hold nothing but a secret, whatever it looks like. */
const SECRET_NAMES = new Set([
  'authorization',
  'proxyauthorization',
  'cookie',
  'setcookie',
  'password',
  'passwd',
  'passphrase',
  'secretaccesskey',
  'awssecretaccesskey',
  'sessiontoken',
  'awssessiontoken',
  'securitytoken',
  'xamzsecuritytoken',
  'accesstoken',
  'clientsecret',
  'apikey',
  'xapikey',
]);

/** The same data, deep, without what must not be read by others: in values, in names of members, in lists. */
export function redacted<T>(value: T): T {
  return clean(value, []) as T;
}

function clean(value: unknown, around: readonly object[]): unknown {
  if (typeof value === 'string') return withoutCredentials(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return withoutCredentials(String(value));
  if (around.includes(value)) return undefined; // a circle, which JSON cannot say
  const within = [...around, value];
  if (Array.isArray(value)) return value.map((item) => clean(item, within));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      withoutCredentials(name),
      isSecretName(name) && hasText(member) ? HIDDEN : clean(member, within),
    ]),
  );
}

/** What has a class (a date, bytes) is no place for text. */
function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isSecretName(name: string): boolean {
  return SECRET_NAMES.has(name.toLowerCase().replace(/[^a-z]/g, ''));
}

function hasText(value: unknown): boolean {
  return typeof value === 'string' || Array.isArray(value);
}
