import { CfnOutput, CfnResource, type StackSynthesizer } from 'aws-cdk-lib/core';
import type { Template } from '../cloudformation/stack-state.js';
import type { Scope } from '../environment/names.js';
import { type Synthesized, synthesize } from './synthesize.js';

/** A template that is there already, as the toolkit deploys it. */
export function synthesizeAsItIs(
  { Description, Metadata, Resources, Outputs = {} }: Template,
  { scope, stackName, synthesizer }: { scope: Scope; stackName: string; synthesizer: StackSynthesizer },
): Synthesized {
  return synthesize({
    ...{ scope, stackName, synthesizer },
    build(stack) {
      if (Description !== undefined) stack.templateOptions.description = Description;
      if (Metadata !== undefined) stack.templateOptions.metadata = { ...Metadata };
      for (const [id, { Type: type, Properties: properties = {}, ...rest }] of Object.entries(Resources)) {
        const resource = new CfnResource(stack, id, { type, properties });
        resource.overrideLogicalId(id);
        for (const [key, value] of Object.entries(rest)) resource.addOverride(key, value);
      }
      for (const [id, output] of Object.entries(Outputs)) {
        const { Value: value, Description: description } = output as { Value: string; Description?: string };
        new CfnOutput(stack, id, { value, ...(description === undefined ? {} : { description }) });
      }
    },
  });
}
