import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type IStackSynthesizer, Stack, type StackSynthesizer, Tags } from 'aws-cdk-lib/core';
import { PrestageError } from '../../../core/errors.js';
import { rmSync } from '../../../core/held-files.js';
import type { Template } from '../cloudformation/stack-state.js';
import { type Scope, TAGS } from '../environment/names.js';

// What CDK checks in each template takes two seconds of every command. Tests do it, for all variants of what is built here.
process.env.CDK_VALIDATION ??= 'false';

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A stack as a template, and the folder that the toolkit deploys it from, which goes with this process. */
export interface Synthesized {
  template: Template;
  directory: string;
}

export interface StackToSynthesize {
  scope: Scope;
  stackName: string;
  synthesizer: StackSynthesizer;
  /** Whether nobody may delete it before that is taken away. */
  isProtected?: boolean;
  build(stack: Stack): void;
}

/** Makes a template: no look-ups, nothing random, nothing of this machine, so that the same inputs give the same bytes. */
export function synthesize({
  scope,
  stackName,
  synthesizer,
  isProtected = false,
  build,
}: StackToSynthesize): Synthesized {
  const outdir = mkdtempSync(join(tmpdir(), 'prestage-stack-'));
  folders.push(outdir);
  const app = new App({
    outdir,
    analyticsReporting: false,
    treeMetadata: false,
    // CDK's own words for that are no use to somebody who writes no template.
    context: { '@aws-cdk/core:stackResourceLimit': 0 },
  });
  const { account, region } = scope;
  const stack = new Stack(app, stackName, {
    stackName,
    env: { account, region },
    analyticsReporting: false,
    terminationProtection: isProtected,
    // Its class and its interface disagree about what may be undefined.
    synthesizer: synthesizer as IStackSynthesizer,
  });
  Tags.of(stack).add(TAGS.project, scope.project);
  Tags.of(stack).add(TAGS.environment, scope.environment);
  build(stack);
  const { directory } = app.synth();
  const text = readFileSync(join(directory, `${stack.artifactId}.template.json`), 'utf8');
  const template = JSON.parse(text) as Template;
  demandLimits(stackName, template, Buffer.byteLength(text));
  return { template, directory };
}

/** CloudFormation takes no more in one stack, and from a bucket ("Understand CloudFormation quotas"). */
const MAX_RESOURCES = 500;
const MAX_BYTES = 1_000_000;

function demandLimits(stack: string, { Resources = {} }: Partial<Template>, bytes: number): void {
  const resources = Object.keys(Resources).length;
  if (resources <= MAX_RESOURCES && bytes <= MAX_BYTES) return;
  const hosts = Object.values(Resources).filter(({ Type }) => Type === 'AWS::EC2::Instance').length;
  const found = resources > MAX_RESOURCES ? `${resources} resources` : `a template of ${bytes} bytes`;
  const limit = resources > MAX_RESOURCES ? `${MAX_RESOURCES} resources` : `${MAX_BYTES} bytes`;
  throw new PrestageError(
    'CONFIG_INVALID',
    `Stack ${stack} would have ${found} for ${hosts} hosts, and CloudFormation takes ${limit}. Nothing was made.`,
    {
      hint: 'Lower `count` of the services, give them fewer or shorter variables, or deploy a part of them as a project of its own.',
      context: { stack, expected: limit, found },
    },
  );
}
