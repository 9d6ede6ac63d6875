import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { Bucket } from '../../src/targets/aws/bucket/bucket.js';
import { ACCESS_KEY, type Region } from './region.js';

let count = 0;

/** A bucket of its own in the region, as the command line uses one. */
export async function newBucket(region: Region): Promise<Bucket> {
  const client = new S3Client({
    endpoint: region.endpoint,
    region: region.name,
    forcePathStyle: true,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: 'a-secret-of-tests' },
  });
  count += 1;
  const name = `environment-${process.pid}-${count}`;
  const location = { LocationConstraint: region.name as 'eu-central-1' };
  await client.send(new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration: location }));
  return new Bucket({ client, name });
}
