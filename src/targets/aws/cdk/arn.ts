import { Aws } from 'aws-cdk-lib/core';
import type { Scope } from '../environment/names.js';

export function bucketArn(bucket: string): string {
  return `arn:${Aws.PARTITION}:s3:::${bucket}`;
}

/** The ARN of objects by a pattern of their keys: `sources/*`. */
export function objectsArn(bucket: string, keys: string): string {
  return `${bucketArn(bucket)}/${keys}`;
}

export function fileSystemArn({ region, account }: Scope, id: string): string {
  return `arn:${Aws.PARTITION}:elasticfilesystem:${region}:${account}:file-system/${id}`;
}

export function accessPointArn({ region, account }: Scope, id: string): string {
  return `arn:${Aws.PARTITION}:elasticfilesystem:${region}:${account}:access-point/${id}`;
}
