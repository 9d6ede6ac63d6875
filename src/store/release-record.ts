import * as z from 'zod';

/** release.json: what a release holds. Written once, as part of the release's publication; never changed. */
export const releaseRecord = z.object({
  format: z.literal(1),
  release: z.string(),
  /** The release's digest in full. */
  digest: z.string(),
  /** The project's name. */
  name: z.string(),
  /** ISO 8601, UTC. */
  createdAt: z.string(),
  /** `prestage 0.1.0` */
  createdBy: z.string(),
  packages: z.array(
    z.object({
      id: z.string(),
      destination: z.string(),
      tree: z.string(),
      /** The recipe's SHA-256. */
      recipe: z.string(),
      /** What the recipe says, so that a later plan can tell what changed. Records of 0.1.0 have none. */
      recipeContent: z.unknown().optional(),
      /** The tree's digest: the SHA-256 of its manifest's bytes. */
      digest: z.string(),
      /** Files and links, without folders. */
      files: z.int(),
      /** The sum of the files' sizes. */
      bytes: z.int(),
    }),
  ),
  /** The work that its preparation was: of the packages that were not in the store before. Records of 0.1.0 have none. */
  prepared: z.object({ packages: z.int(), bytes: z.int(), durationMs: z.int() }).optional(),
  /** The hosts' scripts, under `.prestage/scripts/<path>` in the release. */
  scripts: z.array(z.object({ path: z.string(), sha256: z.string() })),
});

export type ReleaseRecord = z.infer<typeof releaseRecord>;
