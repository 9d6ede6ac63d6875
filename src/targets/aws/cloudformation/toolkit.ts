import type { StackEvent } from '@aws-sdk/client-cloudformation';
import { awsParts } from '../api/aws-parts.js';
import type { Session } from '../api/session.js';

export interface CdkToolkit {
  /** Deploys the one stack of an assembly's folder. */
  deploy(assembly: string): Promise<void>;
}

/** `direct` for servers that only speak like CloudFormation, whose change sets are not like AWS's. */
const method = () =>
  process.env.AWS_ENDPOINT_URL ? ({ method: 'direct' } as const) : ({ method: 'change-set' } as const);

/**
 * The library behind `cdk deploy`, told who asks and where, that says what happens to each resource to `onEvent` and nothing to
 * anybody else. @throws AWS_PARTS_MISSING where its packages are not installed
 */
export async function cdkToolkit(session: Session, onEvent: (event: StackEvent) => void): Promise<CdkToolkit> {
  const { Toolkit, BaseCredentials } = await awsParts(() => import('@aws-cdk/toolkit-lib'));
  const { region } = session.environment;
  const toolkit = new Toolkit({
    emojis: false,
    color: false,
    ioHost: {
      async notify({ code, data }) {
        if (code === 'CDK_TOOLKIT_I5502') onEvent((data as { event: StackEvent }).event);
      },
      async requestResponse({ defaultResponse }) {
        return defaultResponse;
      },
    },
    sdkConfig: {
      baseCredentials: BaseCredentials.custom({ provider: session.credentials, region }),
      // It takes one agent for all: servers that only speak like AWS may be reached by http.
      ...(process.env.AWS_ENDPOINT_URL ? {} : { httpOptions: { agent: session.client.requestHandler.httpsAgent } }),
    },
  });
  return {
    async deploy(assembly) {
      const source = await toolkit.fromAssemblyDirectory(assembly);
      await toolkit.deploy(source, { deploymentMethod: method(), stackEventPollingInterval: 1000 });
    },
  };
}
