import type { ServerAccess } from '../../core/server-access.js';
import { HttpClient, Registries, S3Connection } from '../../remote/index.js';
import { MANIFEST_TYPES } from './oci-layer.js';
import { ociOrigin } from './oci-origin.js';
import { httpOrigin, type Origin } from './origin.js';
import { s3Origin } from './s3-origin.js';

export interface RemoteAddress {
  /** `https://…`, `http://…`, `s3://bucket/key`, or `oci://registry/repository@sha256:…` of a blob. */
  url: string;
  /** The version of an object on S3 that is meant, and no other. */
  versionId?: string | undefined;
  /** How the server of an https address lets us in. */
  access?: ServerAccess | undefined;
}

/** The servers that one command or one preparation fetches from: their connections and credentials are shared. */
export class Remotes {
  readonly #client: HttpClient;
  readonly #s3: S3Connection;
  readonly #registries: Registries;

  constructor(options?: { stallTimeoutMs?: number }) {
    this.#client = new HttpClient(options);
    this.#s3 = new S3Connection(this.#client);
    this.#registries = new Registries(this.#client);
  }

  origin({ url, versionId, access }: RemoteAddress): Origin {
    if (url.startsWith('oci://')) return ociOrigin(this.#registries, url, { access });
    return url.startsWith('s3://') ? s3Origin(this.#s3, url, versionId) : httpOrigin(this.#client, url, access);
  }

  /** What says of an `oci://` address which blobs it has. */
  manifest({ url, access }: RemoteAddress): Origin {
    return ociOrigin(this.#registries, url, { access, accept: MANIFEST_TYPES });
  }

  /** Ends all connections at once, also those in use. */
  close(): Promise<void> {
    return this.#client.close();
  }
}
