import { BootstraplessSynthesizer, CfnOutput, type Stack } from 'aws-cdk-lib/core';
import { type Synthesized, synthesize } from '../cdk/synthesize.js';
import { foundationStackName } from '../environment/names.js';
import { bucketOf } from './bucket.js';
import type { FoundationInputs, FoundationOutputs } from './inputs.js';
import { foundationNetwork } from './network.js';
import { LIST_SEPARATOR } from './outputs.js';
import { storageOf } from './storage.js';
import { workerTemplate } from './worker.js';

/** Phase 1 as a template, small enough to be sent inline. The same inputs give the same bytes. */
export function synthesizeFoundation(inputs: FoundationInputs): Synthesized {
  return synthesize({
    scope: inputs.scope,
    stackName: foundationStackName(inputs.scope),
    synthesizer: new BootstraplessSynthesizer(),
    build: (stack) => buildFoundation(stack, inputs),
  });
}

export function buildFoundation(stack: Stack, inputs: FoundationInputs): void {
  const { scope, sourceBuckets } = inputs;
  stack.templateOptions.description = `Phase 1 of ${scope.project} in ${scope.environment}: what files are prepared with, and stay on`;
  stack.templateOptions.metadata = { Prestage: { sourceBuckets } };
  const bucket = bucketOf(stack, scope).ref;
  const network = foundationNetwork(stack, inputs);
  const storage = storageOf(stack, inputs, network);
  const template = workerTemplate(stack, inputs, { bucket, storage, vpcId: network.vpcId });
  const outputs: FoundationOutputs = {
    BucketName: bucket,
    FileSystemId: storage.fileSystemId,
    WriterAccessPointId: storage.writerAccessPointId,
    ReaderAccessPointId: storage.readerAccessPointId,
    VpcId: network.vpcId,
    WorkerSubnetIds: network.workerSubnetIds,
    StorageClientSecurityGroupId: storage.clientGroupId,
    LaunchTemplateId: template.ref,
  };
  for (const [name, value] of Object.entries(outputs))
    new CfnOutput(stack, name, { value: Array.isArray(value) ? value.join(LIST_SEPARATOR) : value });
}
