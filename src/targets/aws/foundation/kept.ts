import { DescribeFileSystemsCommand, type FileSystemDescription } from '@aws-sdk/client-efs';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { PrestageError } from '../../../core/errors.js';
import { asAws } from '../api/aws-failure.js';
import { Bucket } from '../bucket/bucket.js';
import { describeStack } from '../cloudformation/stack-state.js';
import type { AwsContext } from '../environment/context.js';
import { foundationStackName, TAGS, uniqueName } from '../environment/names.js';

/**
 * What the foundation's stack leaves when it goes, found by its name and its tags: no matter who deleted the stack, and wherever a
 * `destroy --purge` was interrupted, it is still there and costs money.
 */
export async function keptBucket(context: AwsContext): Promise<Bucket | undefined> {
  const { s3 } = context.session;
  const name = uniqueName(await context.scope());
  const found = await asAws({ action: 's3:ListBucket', resource: name }, () =>
    s3.send(new HeadBucketCommand({ Bucket: name })).catch((error: unknown) => {
      if (error instanceof Error && /^(NotFound|NoSuchBucket)$/.test(error.name)) return undefined;
      throw error;
    }),
  );
  return found && new Bucket({ client: s3, name });
}

/** The ids of file systems that Prestage made for this environment, and that are not going already. */
export async function keptFileSystems({ session: { efs }, project, environment }: AwsContext): Promise<string[]> {
  const found: FileSystemDescription[] = [];
  let Marker: string | undefined;
  do {
    const page = await asAws({ action: 'elasticfilesystem:DescribeFileSystems' }, () =>
      efs.send(new DescribeFileSystemsCommand(Marker === undefined ? {} : { Marker })),
    );
    found.push(...(page.FileSystems ?? []));
    Marker = page.NextMarker;
  } while (Marker !== undefined);
  const wanted = { [TAGS.project]: project, [TAGS.environment]: environment.name };
  return found.flatMap(({ FileSystemId = '', LifeCycleState, Tags = [] }) => {
    const isOurs = Object.entries(wanted).every(([key, value]) =>
      Tags.some((tag) => tag.Key === key && tag.Value === value),
    );
    return isOurs && LifeCycleState !== 'deleting' && LifeCycleState !== 'deleted' ? [FileSystemId] : [];
  });
}

/**
 * CloudFormation cannot make a bucket again that is there. @throws STACK_STUCK where it is, and its stack is not
 */
export async function refuseWithoutStack(context: AwsContext): Promise<void> {
  // In this order: anyone who makes the stack at this moment makes the bucket after it.
  const bucket = await keptBucket(context);
  if (bucket === undefined) return;
  const { environment, session } = context;
  const name = foundationStackName(await context.scope());
  if ((await describeStack(session.cloudFormation, name)) !== undefined) return;
  const files = (await keptFileSystems(context)).map((id) => ` and file system ${id}`).join('');
  throw new PrestageError(
    'STACK_STUCK',
    `Bucket ${bucket.name}${files} are left of an earlier deployment, and stack ${name}, which made them, is gone: a \`destroy --purge\` was interrupted, or somebody deleted the stack.`,
    {
      hint: `\`prestage destroy --purge --env ${environment.name}\` removes what is left, with all that was prepared. Then run the same command again.`,
      context: { stack: name, found: bucket.name },
    },
  );
}
