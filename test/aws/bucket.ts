import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Bucket } from '../../src/targets/aws/bucket/bucket.js';
import { ACCESS_KEY, type Region } from './region.js';

let count = 0;

/** A bucket of its own in the region. */
export async function newBucket(region: Region): Promise<Bucket> {
  count += 1;
  const bucket = bucketOf(region, `environment-${process.pid}-${count}`);
  const location = { LocationConstraint: region.name as 'eu-central-1' };
  await bucket.client.send(new CreateBucketCommand({ Bucket: bucket.name, CreateBucketConfiguration: location }));
  return bucket;
}

/** A bucket that is there, as the command line uses it. */
export function bucketOf(region: Region, name: string, accessKeyId = ACCESS_KEY): Bucket {
  const client = new S3Client({
    endpoint: region.endpoint,
    region: region.name,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey: 'a-secret-of-tests' },
  });
  return new Bucket({ client, name });
}
