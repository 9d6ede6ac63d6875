/** What a tree holds at a path. Owners, times and hard-link identity do not survive preparation (docs/store-format.md). */
export type TreeEntry =
  | { readonly type: 'dir'; readonly mode: number }
  | { readonly type: 'file'; readonly mode: number; readonly size: number; readonly sha256: string }
  | { readonly type: 'link'; readonly target: string };
