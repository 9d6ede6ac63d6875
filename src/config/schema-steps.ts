import * as z from 'zod';
import {
  count,
  exactTreePath,
  flag,
  glob,
  globs,
  localPath,
  scalar,
  scalarOrNull,
  text,
  treeFolder,
} from './schema-values.js';

const optional = flag
  .describe('true: the step may change nothing. Default: false, a step without effect is an error.')
  .optional();
const files = globs.describe('Patterns of files in the package, such as `bin/*.sh` or `conf/**`.');
export const strip = count.min(0, { error: 'a whole number from 0' });

const patchOptions = {
  strip: strip.describe('Leading parts of the file names in the patch to drop, as `patch -p`. Default: 1.').optional(),
  fuzz: count
    .min(0, { error: 'a whole number from 0' })
    .describe('Lines of context that may differ, as `patch -F`. Default: 0.')
    .optional(),
};
const patchFile = localPath.describe(
  "A patch, relative to the configuration's folder; or a quilt series: a file named `series`, or a folder that holds one.",
);
const patchFiles = z.union([patchFile, z.array(patchFile).min(1, { error: 'at least one patch' })], {
  error: 'the path of a patch, or a list of them',
});

const patch = z
  .union(
    [
      patchFile,
      z.array(patchFile).min(1, { error: 'at least one patch' }),
      z
        .strictObject({ file: patchFile.optional(), files: patchFiles.optional(), ...patchOptions, optional })
        .refine((step) => (step.file === undefined) !== (step.files === undefined), { error: 'either file or files' }),
    ],
    { error: 'the path of a patch, a list of them, or {file, strip, fuzz}' },
  )
  .describe('Applies unified diffs, with the semantics of GNU patch.');

const replace = z
  .strictObject({
    files,
    from: text.describe('The text to find; with `regex: true`, a JavaScript regular expression.'),
    to: z.string().describe('What to put in its place; with `regex: true`, `$1` and `$<name>` stand for groups.'),
    regex: flag.describe('Default: false.').optional(),
    expect: count
      .min(1, { error: 'a whole number from 1' })
      .describe('The exact number of places, in all files together.')
      .optional(),
    optional,
  })
  .superRefine((step, context) => {
    const reason = step.regex ? regexFault(step.from) : undefined;
    if (reason) context.addIssue({ code: 'custom', path: ['from'], message: `a regular expression (${reason})` });
  })
  .describe('Replaces text in files.');

const set = z
  .strictObject({
    file: exactTreePath.describe('The file, in the package.').optional(),
    files: files.optional(),
    format: z
      .enum(['properties', 'ini', 'json', 'yaml', 'xml', 'toml'])
      .describe("The files' format. Default: by the file's name.")
      .optional(),
    values: z.record(text, scalarOrNull).describe('Keys, with dots between levels, and their values.'),
    add: flag.describe('true: keys that are not there are added. Default: false, such a key is an error.').optional(),
    optional,
  })
  .refine((step) => (step.file === undefined) !== (step.files === undefined), { error: 'either file or files' })
  .describe('Sets keys in properties, ini, json, yaml, xml and toml files; comments and order stay.');

const template = z
  .strictObject({ files, values: z.record(text, scalar).describe('The variables and their values.'), optional })
  .describe('Fills in the variables of `*.tmpl` files and writes them without the `.tmpl`.');

const copy = z
  .strictObject({
    from: localPath.describe("A file or a folder, relative to the configuration's folder."),
    to: treeFolder.describe("Where to, in the package. Default: the package's root.").optional(),
    optional,
  })
  .describe("Copies a file, or what a folder holds, from the configuration's folder into the package.");

const remove = z
  .union([glob, z.array(glob).min(1, { error: 'at least one pattern' }), z.strictObject({ files, optional })], {
    error: 'a pattern, a list of patterns, or {files}',
  })
  .describe('Removes files and folders.');

const chmod = z
  .strictObject({
    files,
    mode: z
      .string({ error: "an octal mode in quotes, such as '755'" })
      .regex(/^0?[0-7]{3}$/, { error: "an octal mode of three digits in quotes, such as '755'" })
      .describe("The mode in octal, in quotes: '755'."),
    optional,
  })
  .describe('Sets the mode of files and folders.');

const extract = z
  .strictObject({
    file: exactTreePath.describe('The archive, in the package.'),
    to: treeFolder.describe("Where to, in the package. Default: the archive's own folder.").optional(),
    strip: strip.describe('Leading folders of the entries to drop. Default: 0.').optional(),
    include: globs.describe('Only entries that match. Default: all.').optional(),
    exclude: globs.describe('Not the entries that match.').optional(),
    keep: flag.describe('true: the archive stays beside what came out of it. Default: false.').optional(),
    optional,
  })
  .describe('Extracts an archive that lies in the package.');

const kinds = { patch, replace, set, template, copy, remove, chmod, extract };
const STEP_KINDS = Object.keys(kinds) as (keyof typeof kinds)[];

const step = z
  .strictObject(kinds)
  .partial()
  .refine((value) => Object.values(value).filter((member) => member !== undefined).length === 1, {
    error: `one of ${STEP_KINDS.join(', ')} in each item of the list`,
  })
  .meta({
    description: 'One change to the package: exactly one of the eight kinds.',
    minProperties: 1,
    maxProperties: 1,
  });

export const steps = z.array(step).describe('Changes to the extracted package, in order.');

function regexFault(source: string): string | undefined {
  try {
    new RegExp(source, 'gm');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^.*: /s, '').toLowerCase() : String(error);
  }
}
