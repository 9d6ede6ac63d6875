import { PrestageError } from '../../../core/errors.js';
import { howToInstallAwsPackages } from './aws-packages.js';

/**
 * Loads a module that needs the packages by which Prestage deploys to AWS. They are not installed with it, being many times as large.
 * @throws AWS_PARTS_MISSING where they are not installed
 */
export async function awsParts<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
    throw new PrestageError(
      'AWS_PARTS_MISSING',
      `The packages that deploy to AWS are not installed: ${firstLine(cause)}`,
      {
        hint: `${howToInstallAwsPackages()}, then the same command again.`,
        cause,
      },
    );
  }
}

/** `Cannot find package 'aws-cdk-lib' imported from …` */
function firstLine({ message }: Error): string {
  return `${message.split(' imported from ')[0]?.split('\n')[0]}.`;
}
