import * as z from 'zod';

/** What preparing reads besides the plan: what it is, by its digest, and where it is. */

export const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** A file: its base name, and the SHA-256 of its bytes. */
export const file = z.strictObject({ name: z.string(), sha256: digest });

/** The digest of a folder is that of its listing (folder-listing.ts). */
export const input = z.strictObject({ kind: z.enum(['file', 'folder']), name: z.string(), sha256: digest });

/** How the source's own server lets us in: names of variables and absolute paths of files. The one who fetches reads them. */
const access = z.strictObject({
  auth: z.strictObject({ fromEnv: z.string(), header: z.string().optional(), user: z.string().optional() }).optional(),
  ca: z.string().optional(),
  cert: z.string().optional(),
  key: z.string().optional(),
});

const remote = {
  url: z.string(),
  size: z.int().optional(),
  /** A copy that was downloaded when the source was pinned. It may be gone; then the URL is fetched. */
  cached: z.string().optional(),
  /** Where `integrity` in the configuration says the digest, and not prestage.lock alone: what to change if it moved. */
  pinnedBy: z.literal('integrity').optional(),
  /** What its server said of the copy: its type, and a name. */
  said: z.strictObject({ contentType: z.string().optional(), fileName: z.string().optional() }).optional(),
};

/** Where the bytes of an input are, on the machine that prepares. Not part of any identity. */
const inputLocation = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('file'), path: z.string(), size: z.int() }),
  z.strictObject({ kind: z.literal('folder'), path: z.string(), size: z.int() }),
  z.strictObject({ kind: z.literal('http'), ...remote, access: access.optional() }),
  /** A blob of a registry, `oci://registry/repository@sha256:…`. */
  z.strictObject({ kind: z.literal('oci'), ...remote, access: access.optional() }),
  /** `s3://bucket/key`. The one who prepares has credentials of its own, so none are here; `profile` is a name. */
  z.strictObject({
    kind: z.literal('s3'),
    ...remote,
    versionId: z.string().optional(),
    endpoint: z.string().optional(),
    profile: z.string().optional(),
  }),
  /** A folder that was packed as tar (`s3://bucket/key`). Its digest is the folder's, not the archive's; `size` is the archive's. */
  z.strictObject({ kind: z.literal('packed'), url: z.string(), size: z.int() }),
]);

/** By digest. */
export const inputLocations = z.record(digest, inputLocation);

export type RecipeInput = z.infer<typeof input>;
export type InputLocation = z.infer<typeof inputLocation>;
export type RemoteLocation = Extract<InputLocation, { kind: 'http' | 'oci' | 's3' }>;
export type InputLocations = z.infer<typeof inputLocations>;

export function isRemote(location: InputLocation): location is RemoteLocation {
  return location.kind === 'http' || location.kind === 'oci' || location.kind === 's3';
}

/** An object on AWS that a machine there reads as itself: whatever names another server or a profile is for those who have it. */
export function isReadByRole(location: InputLocation): location is Extract<InputLocation, { kind: 's3' }> {
  return location.kind === 's3' && location.endpoint === undefined && location.profile === undefined;
}
