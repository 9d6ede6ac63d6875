import { PrestageError } from '../../core/errors.js';

/** Where an object is asked for: an origin as of a URL, and a path that is encoded. */
export interface ObjectAddress {
  origin: string;
  path: string;
}

/** Names that are a DNS label. Others, and those with a dot, do not fit AWS's certificate as a host name. */
const HOST_STYLE = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** AWS names hosts by bucket; an endpoint of one's own is mostly one host, so the bucket is in the path there. */
export function objectAddress(
  { bucket, key }: { bucket: string; key: string },
  { endpoint, region }: { endpoint: string | undefined; region: string },
): ObjectAddress {
  if (endpoint !== undefined) {
    const { origin, pathname } = parsedEndpoint(endpoint);
    return { origin, path: `${pathname.replace(/\/+$/, '')}/${bucket}/${encodedKey(key)}` };
  }
  const host = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  return HOST_STYLE.test(bucket)
    ? { origin: `https://${bucket}.${host}`, path: `/${encodedKey(key)}` }
    : { origin: `https://${host}`, path: `/${bucket}/${encodedKey(key)}` };
}

/** RFC 3986's unreserved characters and the slash stay; a key is bytes, in which `..` and `//` mean nothing. */
function encodedKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
}

function parsedEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new PrestageError('AWS_SETTINGS', `The endpoint for S3, ${endpoint}, is not an http or https URL.`, {
    hint: 'Correct AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or `endpoint_url` of the profile.',
    context: { found: endpoint },
  });
}
