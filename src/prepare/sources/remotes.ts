import { HttpClient, S3Connection, type ServerAccess } from '../../remote/index.js';
import { httpOrigin, type Origin } from './origin.js';
import { s3Origin } from './s3-origin.js';

export interface RemoteAddress {
  /** `https://…`, `http://…` or `s3://bucket/key`. */
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

  constructor(options?: { stallTimeoutMs?: number }) {
    this.#client = new HttpClient(options);
    this.#s3 = new S3Connection(this.#client);
  }

  origin({ url, versionId, access }: RemoteAddress): Origin {
    return url.startsWith('s3://') ? s3Origin(this.#s3, url, versionId) : httpOrigin(this.#client, url, access);
  }

  /** Ends all connections at once, also those in use. */
  close(): Promise<void> {
    return this.#client.close();
  }
}
