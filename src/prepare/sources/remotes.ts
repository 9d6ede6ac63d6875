import type { ServerAccess } from '../../core/server-access.js';
import { HttpClient, Registries, S3Connection } from '../../remote/index.js';
import { MANIFEST_TYPES } from './oci-layer.js';
import { ociOrigin } from './oci-origin.js';
import { httpOrigin, type Origin } from './origin.js';
import { s3Origin } from './s3-origin.js';
import { RangeBudget } from './side-by-side.js';

export interface RemoteAddress {
  /** `https://…`, `http://…`, `s3://bucket/key`, or `oci://registry/repository@sha256:…` of a blob. */
  url: string;
  /** The version of an object on S3 that is meant, and no other. */
  versionId?: string | undefined;
  /** Who asks which server for an object on S3; default: as the environment says. */
  endpoint?: string | undefined;
  profile?: string | undefined;
  /** How the server of an https address lets us in. */
  access?: ServerAccess | undefined;
}

/** The servers that one command or one preparation fetches from: their connections and credentials are shared. */
export class Remotes {
  readonly #client: HttpClient;
  /** By endpoint and profile. */
  readonly #s3 = new Map<string, S3Connection>();
  readonly #registries: Registries;
  readonly #ranges = new RangeBudget();

  constructor(options?: { stallTimeoutMs?: number }) {
    this.#client = new HttpClient(options);
    this.#registries = new Registries(this.#client);
  }

  origin(address: RemoteAddress): Origin {
    const { url, versionId, access } = address;
    if (url.startsWith('oci://')) return ociOrigin(this.#registries, url, { access });
    if (url.startsWith('s3://')) return s3Origin(this.#s3Connection(address), url, { versionId, ranges: this.#ranges });
    return httpOrigin(this.#client, url, access);
  }

  /** What says of an `oci://` address which blobs it has. */
  manifest({ url, access }: RemoteAddress): Origin {
    return ociOrigin(this.#registries, url, { access, accept: MANIFEST_TYPES });
  }

  #s3Connection({ endpoint, profile }: RemoteAddress): S3Connection {
    const key = JSON.stringify([endpoint, profile]);
    const connection = this.#s3.get(key) ?? new S3Connection(this.#client, { endpoint, profile });
    this.#s3.set(key, connection);
    return connection;
  }

  /** Ends all connections at once, also those in use. */
  close(): Promise<void> {
    return this.#client.close();
  }
}
