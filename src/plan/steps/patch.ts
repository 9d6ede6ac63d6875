import * as z from 'zod';
import { sha256 } from '../../core/digest.js';
import { file } from '../input.js';
import { optional, type PatchFile, type StepFiles, stepKind } from './step-kind.js';
import { count, localPath, mayChangeNothing, strip } from './written.js';

const patchFile = localPath.describe(
  "A patch, relative to the configuration's folder; or a quilt series: a file named `series`, or a folder that holds one.",
);
const patchList = z.array(patchFile).min(1, { error: 'at least one patch' });

const recipe = z.strictObject({
  kind: z.literal('patch'),
  patches: z.array(file),
  strip: z.int().min(0),
  fuzz: z.int().min(0),
  optional,
});

export const patch = stepKind({
  written: z
    .union(
      [
        patchFile,
        patchList,
        z
          .strictObject({
            file: patchFile.optional(),
            files: z.union([patchFile, patchList], { error: 'the path of a patch, or a list of them' }).optional(),
            strip: strip
              .describe('Leading parts of the file names in the patch to drop, as `patch -p`. Default: 1.')
              .optional(),
            fuzz: count
              .min(0, { error: 'a whole number from 0' })
              .describe('Lines of context that may differ, as `patch -F`. Default: 0.')
              .optional(),
            optional: mayChangeNothing,
          })
          .refine((step) => (step.file === undefined) !== (step.files === undefined), {
            error: 'either file or files',
          }),
      ],
      { error: 'the path of a patch, a list of them, or {file, strip, fuzz}' },
    )
    .describe('Applies unified diffs, with the semantics of GNU patch.'),

  recipe,

  /** One step, or several where the lines of a series ask for different strips. */
  async resolve(written, files) {
    const isShort = typeof written === 'string' || Array.isArray(written);
    const { strip = 1, fuzz = 0, optional = false } = isShort ? {} : written;
    const steps: Omit<z.output<typeof recipe>, 'kind'>[] = [];
    for (const each of await patchFiles(written, files)) {
      const its = each.strip ?? strip;
      const last = steps.at(-1);
      const item = { name: each.name, sha256: each.sha256 };
      if (last?.strip === its) last.patches.push(item);
      else steps.push({ patches: [item], strip: its, fuzz, optional });
    }
    return steps;
  },

  inputs: ({ patches }) => patches.map((each) => ({ kind: 'file', ...each })),
});

type Written = z.output<typeof patch.written>;

async function patchFiles(written: Written, files: StepFiles): Promise<PatchFile[]> {
  const found: PatchFile[] = [];
  for (const { path, key } of pathsOf(written)) found.push(...withoutEmpty(await files.patches(path, key)));
  return found;
}

/** The paths, each with the key that names it. */
function pathsOf(written: Written): { path: string; key: (string | number)[] }[] {
  if (typeof written === 'string') return [{ path: written, key: [] }];
  if (Array.isArray(written)) return written.map((path, i) => ({ path, key: [i] }));
  const { file, files = [] } = written;
  if (file !== undefined) return [{ path: file, key: ['file'] }];
  return pathsOf(files).map(({ path, key }) => ({ path, key: ['files', ...key] }));
}

const EMPTY = sha256('');

/** quilt leaves a patch empty that changes nothing yet. Where all of a series are empty the step keeps them, and fails. */
function withoutEmpty(patches: PatchFile[]): PatchFile[] {
  const others = patches.filter((each) => each.sha256 !== EMPTY);
  return others.length > 0 ? others : patches;
}
