import { createHash } from 'node:crypto';

/** SHA-256 of bytes or UTF-8 text, in lower-case hex (64 digits). */
export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The first 16 hex digits of a digest: what trees and releases are named by. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 16);
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * JSON with one spelling for one value, so that its digest is an identity: object keys in code-unit order, no white
 * space, undefined members left out. Strings and numbers as JSON.stringify writes them, which is how the JSON
 * Canonicalization Scheme (RFC 8785) defines them too.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value as Record<string, Json | undefined>).filter(
    ([, member]) => member !== undefined,
  );
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member as Json)}`).join(',')}}`;
}
