import { CfnBucket, CfnBucketPolicy } from 'aws-cdk-lib/aws-s3';
import { CfnDeletionPolicy, type Stack } from 'aws-cdk-lib/core';
import { FALLBACK_RUNS, HOSTS, RUNS } from '../bucket/layout.js';
import { bucketArn, objectsArn } from '../cdk/arn.js';
import { type Scope, uniqueName } from '../environment/names.js';

/** Days. */
const KEPT_LOGS = 90;
const KEPT_VERSIONS = 30;
const UNFINISHED_UPLOADS = 7;
/** Sources are read when something is prepared, and hardly ever after that; they must be there at once even then. */
const SELDOM_READ = 30;
const HARDLY_READ = 180;

/** The bucket of an environment. It outlives the stack. */
export function bucketOf(stack: Stack, scope: Scope): CfnBucket {
  const bucketName = uniqueName(scope);
  // Machines write some of these again each minute: an old version of one is of no use to anybody.
  const expire = (id: string, prefix: string) => ({
    id,
    status: 'Enabled',
    prefix,
    expirationInDays: KEPT_LOGS,
    noncurrentVersionExpiration: { noncurrentDays: 1 },
  });
  const bucket = new CfnBucket(stack, 'Bucket', {
    bucketName,
    versioningConfiguration: { status: 'Enabled' },
    bucketEncryption: {
      serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
    },
    publicAccessBlockConfiguration: {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    ownershipControls: { rules: [{ objectOwnership: 'BucketOwnerEnforced' }] },
    lifecycleConfiguration: {
      rules: [
        expire('old-runs', RUNS),
        expire('old-hosts', HOSTS),
        expire('old-fallbacks', FALLBACK_RUNS),
        {
          id: 'old-sources',
          status: 'Enabled',
          prefix: 'sources/',
          transitions: [
            { storageClass: 'STANDARD_IA', transitionInDays: SELDOM_READ },
            { storageClass: 'GLACIER_IR', transitionInDays: HARDLY_READ },
          ],
        },
        {
          id: 'old-versions',
          status: 'Enabled',
          noncurrentVersionExpiration: { noncurrentDays: KEPT_VERSIONS },
          abortIncompleteMultipartUpload: { daysAfterInitiation: UNFINISHED_UPLOADS },
        },
      ],
    },
  });
  bucket.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE;
  bucket.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN;
  new CfnBucketPolicy(stack, 'BucketPolicy', {
    bucket: bucket.ref,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'TlsOnly',
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:*',
          Resource: [bucketArn(bucket.ref), objectsArn(bucket.ref, '*')],
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ],
    },
  });
  return bucket;
}
