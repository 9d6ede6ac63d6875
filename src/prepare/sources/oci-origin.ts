import type { ServerAccess } from '../../core/server-access.js';
import { parseOci } from '../../plan/index.js';
import { discard, failureOfStatus, type Registries } from '../../remote/index.js';
import type { Origin } from './origin.js';

/** A blob, or with `accept` a manifest, of a registry. */
export function ociOrigin(
  registries: Registries,
  url: string,
  { access, accept }: { access?: ServerAccess | undefined; accept?: string } = {},
): Origin {
  const reference = parseOci(url);
  if (reference === undefined) throw new TypeError(`${url} is not oci://registry/repository@sha256:…`);
  const { registry, repository, tag, digest } = reference;
  const what = accept === undefined ? `blobs/${digest}` : `manifests/${digest ?? tag}`;
  return {
    url,
    condition: 'if-range',
    knowsDigests: false,
    request: (method, headers, signal) =>
      registries.request(
        { method, registry, repository, what, headers: { ...(accept ? { accept } : {}), ...headers }, access },
        signal,
      ),
    async failure(_, response) {
      await discard(response.body);
      return failureOfStatus(url, response);
    },
    announced: (response) => {
      const etag = response.header('etag');
      return { version: etag, validator: etag, sha256: undefined };
    },
  };
}
