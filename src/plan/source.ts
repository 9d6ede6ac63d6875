import { percentDecoded } from '../core/percent-decoded.js';
import { isMaven, mavenUrl } from './maven.js';
import { type OciReference, parseOci } from './oci.js';

/** Where a package's bytes come from, as the configuration says. */
export type Source =
  | { kind: 'local'; written: string }
  /** `isMaven`: a file of a Maven repository, which has its checksum beside it. */
  | { kind: 'http'; written: string; url: URL; isMaven?: true }
  | ({ kind: 's3'; written: string; bucket: string; key: string } & S3Access)
  | ({
      kind: 'oci';
      written: string;
      layer?: string | number | undefined;
      platform?: string | undefined;
    } & OciReference);

/** Who asks which server for an object; default: as the environment says. */
export interface S3Access {
  /** A server that speaks as S3 does, as a URL. */
  endpoint?: string | undefined;
  /** A profile of the shared config and credentials files. */
  profile?: string | undefined;
}

/** What a source may have beside it. */
export interface SourceOptions extends S3Access {
  /** The Maven repository; default: Maven Central. */
  repository?: string | undefined;
  /** A layer of what is in a registry, by its title or its number. */
  layer?: string | number | undefined;
  /** `linux/amd64`, of an index in a registry. */
  platform?: string | undefined;
}

/**
 * Reads `files/x.jar`, `https://…`, `s3://bucket/key`, `oci://registry/repository:tag` or `maven:group:artifact:version`;
 * undefined for a scheme that is none of these, or a broken URL.
 */
export function parseSource(written: string, options: SourceOptions = {}): Source | undefined {
  const { repository, layer, platform, endpoint, profile } = options;
  if (isMaven(written)) {
    const url = mavenUrl(written, repository);
    return url === undefined ? undefined : { kind: 'http', written, url, isMaven: true };
  }
  const scheme = /^([A-Za-z][\w+.-]+):\/\//.exec(written)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: 'local', written };
  if (scheme === 'oci') {
    const reference = parseOci(written);
    return reference && { kind: 'oci', written, layer, platform, ...reference };
  }
  if (scheme === 's3') {
    const [, bucket, key] = S3_URL.exec(written) ?? [];
    return bucket === undefined || key === undefined
      ? undefined
      : { kind: 's3', written, bucket, key, endpoint, profile };
  }
  if ((scheme !== 'https' && scheme !== 'http') || !URL.canParse(written)) return undefined;
  return { kind: 'http', written, url: new URL(written) };
}

/** Bucket names follow every naming rule that S3 ever had. The key is what follows; no character in it is special. */
const S3_URL = /^s3:\/\/([a-z0-9][\w.-]{2,254})\/(.*[^/])$/is;

const SECRET_PARAMETER = /sig|token|secret|key|credential|password|auth|expire|x-amz|x-goog|policy/i;

/**
 * What a source is called in the lockfile, which is committed: as written, without user, password and the parameters of
 * a signed URL. (A signature changes with every signing; the name must not.)
 */
export function sourceName(source: Source): string {
  if (source.kind === 's3') return s3Name(source);
  if (source.kind === 'oci') return ociName(source);
  if (source.kind === 'local') return source.written;
  const name = new URL(source.url);
  name.username = '';
  name.password = '';
  name.hash = '';
  const secret = [...name.searchParams.keys()].filter((parameter) => SECRET_PARAMETER.test(parameter));
  for (const parameter of secret) name.searchParams.delete(parameter);
  return name.href;
}

/** What is meant is the layer, so its choice is part of the name. */
function ociName({ written, layer, platform }: Extract<Source, { kind: 'oci' }>): string {
  const chosen = [
    ...(platform === undefined ? [] : [`platform ${platform}`]),
    ...(layer === undefined ? [] : [`layer ${layer}`]),
  ];
  return [written, ...chosen].join(' ');
}

/** Two servers may have a bucket of the same name. Who asks is no part of what is asked for. */
function s3Name(source: Extract<Source, { kind: 's3' }>): string {
  return source.endpoint === undefined ? s3Url(source) : `${s3Url(source)} at ${source.endpoint}`;
}

export function s3Url({ bucket, key }: { bucket: string; key: string }): string {
  return `s3://${bucket}/${key}`;
}

/** The file name at the end of a URL's path; `fallback` where it has none, or one that is not a plain name. */
export function urlBaseName(url: URL, fallback: string): string {
  return plainName(percentDecoded(url.pathname.split('/').at(-1) ?? ''), fallback);
}

/** The same of an object's key, which is not encoded. */
export function keyBaseName(key: string, fallback: string): string {
  return plainName(key.split('/').at(-1) ?? '', fallback);
}

export function plainName(name: string, fallback: string): string {
  return name === '' || name === '.' || name === '..' || /[/\\\u0000-\u001f\u007f]/.test(name) ? fallback : name;
}
