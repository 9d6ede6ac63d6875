/**
 * Who asks S3, and where S3 is, by the sources that all AWS tools share: environment variables, the shared config and
 * credentials files with their profiles, SSO, a web identity, a process, the metadata of a container or an instance.
 * The only file of the agent that loads code of AWS's; it is a bundle of its own beside the agent, so that a preparation without S3
 * does not load it. It must not import what the agent has too.
 */
import type { Agent } from 'node:https';
import { fromIni } from '@aws-sdk/credential-provider-ini';
import {
  credentialsTreatedAsExpired,
  credentialsWillNeedRefresh,
  defaultProvider,
} from '@aws-sdk/credential-provider-node';
import { Sha256 } from '@smithy/core/checksum';
import { loadConfig, memoize } from '@smithy/core/config';
import { SignatureV4 } from '@smithy/signature-v4';
import type { HttpMethod } from '../http-client.js';

export interface UnsignedRequest {
  method: HttpMethod;
  url: { protocol: string; hostname: string; port: string; path: string };
  query: Record<string, string>;
  headers: Record<string, string>;
}

export interface AwsIdentity {
  /** By AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or the profile; undefined for AWS itself. */
  endpoint(): Promise<string | undefined>;
  region(): Promise<string | undefined>;
  /** The headers with which the request may be sent. Credentials are renewed when they are about to expire. */
  sign(request: UnsignedRequest, region: string): Promise<Record<string, string>>;
}

/** The chain would warn on the console of settings that are in each other's way. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

export interface IdentityOptions {
  /** The connections by which credentials are asked for, where it takes a request (SSO, STS). */
  httpsAgent: Agent;
  /** Who asks, and nobody else where that profile is not there; default: the chain of all sources. */
  profile: string | undefined;
}

export function openAwsIdentity({ httpsAgent, profile }: IdentityOptions): AwsIdentity {
  const clientConfig = { requestHandler: { httpsAgent } };
  const options = { logger: SILENT, clientConfig, parentClientConfig: clientConfig };
  const credentials =
    profile === undefined
      ? defaultProvider(options)
      : memoize(fromIni({ ...options, profile }), credentialsTreatedAsExpired, credentialsWillNeedRefresh);
  const files = profile === undefined ? {} : { profile };
  return {
    endpoint: loadConfig<string | undefined>(
      {
        environmentVariableSelector: (env) => env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || undefined,
        configFileSelector: ({ services, endpoint_url }, files) =>
          files?.[`services.${services}`]?.['s3.endpoint_url'] ?? endpoint_url,
        default: async () => undefined,
      },
      files,
    ),
    region: loadConfig<string | undefined>(
      {
        environmentVariableSelector: (env) => env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined,
        configFileSelector: ({ region }) => region,
        default: async () => undefined,
      },
      { preferredFile: 'credentials', ...files },
    ),
    async sign({ method, url, query, headers }, region) {
      const { protocol, hostname, port, path } = url;
      // S3 wants the path encoded once (Signature Version 4, "Canonical request").
      const signer = new SignatureV4({ service: 's3', region, credentials, sha256: Sha256, uriEscapePath: false });
      const host = port === '' ? hostname : `${hostname}:${port}`;
      const signed = await signer.sign({
        method,
        protocol,
        hostname,
        ...(port === '' ? {} : { port: Number(port) }),
        path,
        query,
        headers: { host, ...headers },
      });
      return signed.headers;
    },
  };
}
