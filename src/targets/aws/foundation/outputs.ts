import { PrestageError } from '../../../core/errors.js';
import type { FoundationOutputs } from './inputs.js';

export const LIST_SEPARATOR = ',';

/** What stands for the foundation while there is none. */
const UNKNOWN: FoundationOutputs = {
  BucketName: 'bucket-not-made-yet',
  FileSystemId: 'fs-00000000000000000',
  WriterAccessPointId: 'fsap-00000000000000000',
  ReaderAccessPointId: 'fsap-00000000000000000',
  VpcId: 'vpc-00000000000000000',
  WorkerSubnetIds: ['subnet-00000000000000000', 'subnet-00000000000000001'],
  StorageClientSecurityGroupId: 'sg-00000000000000000',
  LaunchTemplateId: 'lt-00000000000000000',
};

/** For a plan before there is a foundation. */
export function unknownOutputs(): FoundationOutputs {
  return UNKNOWN;
}

/** @throws STACK_STUCK where it lacks one: somebody else has changed the stack */
export function parseFoundationOutputs(outputs: Readonly<Record<string, string>>): FoundationOutputs {
  const demand = (name: keyof FoundationOutputs): string => {
    const value = outputs[name];
    if (value !== undefined) return value;
    throw new PrestageError('STACK_STUCK', `The foundation's stack has no output ${name}.`, {
      hint: 'It was changed by something else than Prestage, or by another version of it. Deploy with the version that made it.',
      context: { expected: name },
    });
  };
  return {
    BucketName: demand('BucketName'),
    FileSystemId: demand('FileSystemId'),
    WriterAccessPointId: demand('WriterAccessPointId'),
    ReaderAccessPointId: demand('ReaderAccessPointId'),
    VpcId: demand('VpcId'),
    WorkerSubnetIds: demand('WorkerSubnetIds').split(LIST_SEPARATOR),
    StorageClientSecurityGroupId: demand('StorageClientSecurityGroupId'),
    LaunchTemplateId: demand('LaunchTemplateId'),
  };
}
