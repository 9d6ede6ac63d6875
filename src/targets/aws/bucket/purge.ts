import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
} from '@aws-sdk/client-s3';
import { PrestageError } from '../../../core/errors.js';
import { asAws } from '../api/aws-failure.js';
import type { Bucket } from './bucket.js';

/** Deletes all that a bucket holds: every version, every mark of a deletion, and uploads that were not finished. */
export async function emptyBucket({ client, name }: Bucket): Promise<void> {
  const resource = `s3://${name}/`;
  for (;;) {
    // What is deleted is listed no more: the first page is always the next.
    const page = await asAws({ action: 's3:ListBucketVersions', resource }, () =>
      client.send(new ListObjectVersionsCommand({ Bucket: name })),
    );
    const Objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({
      Key,
      VersionId,
    }));
    if (Objects.length === 0) break;
    const { Errors = [] } = await asAws({ action: 's3:DeleteObjectVersion', resource }, () =>
      client.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects, Quiet: true } })),
    );
    const [first] = Errors;
    if (first !== undefined)
      throw new PrestageError('AWS_FAILED', `s3://${name}/${first.Key} could not be deleted: ${first.Message}.`, {
        hint: 'Fix what it says, and run the same command again.',
      });
  }
  const { Uploads = [] } = await asAws({ action: 's3:ListBucketMultipartUploads', resource }, () =>
    client.send(new ListMultipartUploadsCommand({ Bucket: name })),
  );
  for (const { Key, UploadId } of Uploads)
    await asAws({ action: 's3:AbortMultipartUpload', resource: `s3://${name}/${Key}` }, () =>
      client.send(new AbortMultipartUploadCommand({ Bucket: name, Key, UploadId })),
    );
}
