/**
 * Where a `patch` step decides otherwise than GNU patch 2.7.6, on purpose, as docs/steps.md says. Anything else that a
 * random patch shows is a fault.
 */
export interface Announced {
  rule: string;
  /** What the step says where it refuses. */
  says: RegExp;
  /** What the patch has where the rule is about that. */
  patch?: RegExp;
}

export const STRICTER: readonly Announced[] = [
  { rule: 'another format', says: /This is (?:a context diff|a normal diff|a script for ed), which is not supported/ },
  { rule: 'a binary file', says: /Binary patches are not supported|says that a binary file changed, but not how/ },
  { rule: 'an indented patch with a missing line feed', says: /An indented patch cannot say that a file does not end/ },
  { rule: 'half a rename', says: /Of a rename or a copy, git writes/ },
  { rule: 'names of two files', says: /The names of `---` and `\+\+\+` are not those of this `diff --git` line/ },
  { rule: 'a hunk of no file', says: /This hunk belongs to no file/ },
  {
    rule: 'names without a hunk',
    says: /No hunk (?:.* follows the names of this file|follows, and git's `index` line)/,
  },
  { rule: 'no change at all', says: /There is no unified diff in this patch/ },
  { rule: 'a way through a link', says: /the way to .* leads through .*, which is a link/ },
  {
    rule: 'a rename to a name that is taken',
    says: /it makes .* by a (?:rename|copy), and there is a file of that name/,
  },
  { rule: 'a new file over one with content', says: /it creates .*, which exists already/ },
  {
    rule: 'an empty file deleted that is not there',
    says: /^STEP_FILE_MISSING/,
    patch: /^[ \tX]*deleted file mode|^[ \tX]*index e69de29[0-9a-f]*\.\.0+/m,
  },
  {
    rule: 'a patch that is cut off',
    says: /The patch ends in the middle of a|This is not the heading of a hunk|This hunk changes nothing|lines? more than the patch removes/,
  },
  { rule: 'what no tree may hold', says: /^ARCHIVE_UNSAFE: (?:The link|No tree may hold|.* differ only in case)/ },
];

/** What GNU patch refuses, and a step applies. */
export const MORE: readonly { rule: string; patch: RegExp; gnu: RegExp }[] = [
  {
    rule: 'a file that another part of the patch has made by a rename or a copy',
    patch: /^(?:rename|copy) to /m,
    gnu: /can't find file to patch|which does not exist|Cannot (?:rename|copy) file/,
  },
  {
    // GNU patch takes the zero bytes of such a line for a failed write.
    rule: 'a last line that is empty and has no line feed',
    patch: /^[ X\t]*[ +-]\r?\n[ X\t]*\\ /m,
    gnu: /write error/,
  },
];
