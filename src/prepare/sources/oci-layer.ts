import * as z from 'zod';
import { sha256 } from '../../core/digest.js';
import { PrestageError } from '../../core/errors.js';
import { parseOci } from '../../plan/index.js';
import type { RetryPolicy } from '../../remote/index.js';
import { openDownload } from './download.js';
import type { Origin } from './origin.js';

export interface LayerChoice {
  /** The title of a layer (as ORAS names files), or its number from 0. */
  layer?: string | number | undefined;
  /** `linux/amd64` */
  platform?: string | undefined;
}

export interface OciLayer {
  sha256: string;
  size: number;
  /** Its title, where it has one. */
  title: string | undefined;
  /** The digest of the manifest that it was found by. */
  manifest: string;
}

const descriptor = z.object({
  mediaType: z.string().optional(),
  digest: z.string().regex(/^[a-z0-9+._-]+:[A-Za-z0-9=_-]+$/),
  size: z.int().min(0),
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).nullish(),
});
type Descriptor = z.infer<typeof descriptor>;

/** OCI's and Docker's, which are alike where we read them. */
const manifest = z.union([z.object({ manifests: z.array(descriptor) }), z.object({ layers: z.array(descriptor) })]);
export const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');

const MAX_MANIFEST_BYTES = 4 * 1024 * 1024; // what registries take ("Pushing manifests")

/**
 * The one layer that a source means. Each manifest must have the digest that it was asked for by.
 * @throws SOURCE_REFUSED where it names none, or more than one; INTEGRITY_MISMATCH; what a download throws
 */
export async function findLayer(
  url: string,
  choice: LayerChoice,
  { originOf, policy }: { originOf: (url: string) => Origin; policy: RetryPolicy },
): Promise<OciLayer> {
  const reference = parseOci(url);
  if (reference === undefined) throw new TypeError(`${url} is not oci://registry/repository:tag`);
  const first = await readManifest(url, reference.digest, originOf(url), policy);
  if ('layers' in first.content) {
    if (choice.platform !== undefined)
      throw refused(url, `is one manifest, not an index of platforms (${choice.platform})`);
    return layerOf(url, first.content.layers, choice, first.digest);
  }
  const { digest } = chosenPlatform(url, first.content.manifests, choice.platform);
  const inner = `oci://${reference.registry}/${reference.repository}@${sha256Digest(url, digest)}`;
  const second = await readManifest(inner, digest, originOf(inner), policy);
  if (!('layers' in second.content)) throw refused(inner, 'is an index inside an index');
  return layerOf(url, second.content.layers, choice, first.digest);
}

async function readManifest(url: string, wanted: string | undefined, origin: Origin, policy: RetryPolicy) {
  const { chunks } = await openDownload(origin, policy);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > MAX_MANIFEST_BYTES) throw refused(url, `has a manifest of more than ${MAX_MANIFEST_BYTES} bytes`);
    parts.push(chunk);
  }
  const bytes = Buffer.concat(parts);
  const digest = `sha256:${sha256(bytes)}`;
  if (wanted !== undefined && digest !== wanted) throw otherManifest(url, wanted, digest);
  const parsed = manifest.safeParse(parsedJson(bytes));
  if (parsed.success) return { content: parsed.data, digest };
  throw refused(url, 'has no manifest of OCI or of Docker (schema 2)');
}

function parsedJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** Attestations are in an index as well, for a platform that is called unknown. */
function chosenPlatform(url: string, all: readonly Descriptor[], wanted: string | undefined): Descriptor {
  const real = all.filter(({ platform }) => platform?.os !== 'unknown');
  const matching = wanted === undefined ? real : real.filter((each) => platformName(each) === wanted);
  const [found] = matching;
  if (found !== undefined && matching.length === 1) return found;
  const names = real.map(platformName).join(', ') || 'none';
  throw refused(url, `is an index of: ${names}`, `Say which with \`platform\` beside the source.`);
}

function platformName({ platform, digest }: Descriptor): string {
  if (!platform) return digest;
  return [platform.os, platform.architecture, ...(platform.variant ? [platform.variant] : [])].join('/');
}

const TITLE = 'org.opencontainers.image.title';

function layerOf(url: string, layers: readonly Descriptor[], { layer }: LayerChoice, digest: string): OciLayer {
  const matching =
    layer === undefined
      ? layers
      : layers.filter((each, index) =>
          typeof layer === 'number' ? index === layer : each.annotations?.[TITLE] === layer,
        );
  const [found] = matching;
  if (found === undefined || matching.length > 1) {
    const names = layers.map(({ annotations }, index) => annotations?.[TITLE] ?? `number ${index}`);
    const what = layer === undefined ? '' : `, and \`layer\` is ${layer}`;
    throw refused(
      url,
      `has ${layers.length} layers: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}${what}`,
      'Say which with `layer` beside the source: its title, or its number from 0.',
    );
  }
  const hex = sha256Digest(url, found.digest).slice('sha256:'.length);
  return { sha256: hex, size: found.size, title: found.annotations?.[TITLE], manifest: digest };
}

function sha256Digest(url: string, digest: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  throw refused(url, `has ${digest}, and only SHA-256 is supported`);
}

function refused(
  url: string,
  what: string,
  hint = 'Name what is meant by its digest: oci://registry/repository@sha256:…',
): PrestageError {
  return new PrestageError('SOURCE_REFUSED', `${url} ${what}.`, { hint, context: { url } });
}

function otherManifest(url: string, expected: string, found: string): PrestageError {
  return new PrestageError('INTEGRITY_MISMATCH', `${url} was answered with another manifest: ${found}.`, {
    hint: 'The registry, or a proxy before it, is wrong: ask its owner.',
    context: { url, expected, found },
  });
}
