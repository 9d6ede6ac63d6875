import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { failed, ok, type Verdict } from '../../checks/finding.js';
import { asAws } from '../api/aws-failure.js';
import { IMAGE_PARAMETER } from '../environment/machine.js';
import type { Examined } from './examined.js';

/** The parameter in which Amazon publishes the image that workers and hosts run. */
export async function checkImage({ session, environment }: Examined, signal: AbortSignal): Promise<Verdict> {
  const found = await asAws({ action: 'ssm:GetParameter', resource: IMAGE_PARAMETER }, () =>
    session.ssm
      .send(new GetParameterCommand({ Name: IMAGE_PARAMETER }), { abortSignal: signal })
      .catch((error: unknown) => {
        if (error instanceof Error && error.name === 'ParameterNotFound') return undefined;
        throw error;
      }),
  );
  const image = found?.Parameter?.Value;
  if (image !== undefined) return ok(`Amazon Linux 2023 is ${image}.`);
  return failed(
    `AWS names no image of Amazon Linux 2023 in ${environment.region}: there is no parameter ${IMAGE_PARAMETER}.`,
    'Deploy to a region that has it.',
  );
}
