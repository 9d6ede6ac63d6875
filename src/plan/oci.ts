/** A manifest in a registry, by tag, digest or both: then the digest counts. */
export interface OciReference {
  /** `ghcr.io`, `localhost:5000` */
  registry: string;
  repository: string;
  tag?: string;
  /** `sha256:<hex>` */
  digest?: string;
}

/** The grammar of the OCI distribution specification ("Pulling manifests"). Without a tag and a digest nothing is meant. */
const REFERENCE =
  /^oci:\/\/([^/\s?#@]+)\/([a-z0-9]+(?:(?:[._]|__|-+|\/)[a-z0-9]+)*)(?::(\w[\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/;

export function parseOci(written: string): OciReference | undefined {
  const [, host = '', repository = '', tag, digest] = REFERENCE.exec(written) ?? [];
  if ((tag === undefined && digest === undefined) || !URL.canParse(`https://${host}`)) return undefined;
  const registry = new URL(`https://${host}`).host;
  return { registry, repository, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The address of one blob: what a layer is once it is pinned. */
export function blobUrl({ registry, repository }: OciReference, sha256: string): string {
  return `oci://${registry}/${repository}@sha256:${sha256}`;
}
