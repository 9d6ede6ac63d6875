import { gunzipSync } from 'node:zlib';
import type { HostInputs } from '../../src/targets/aws/scripts/inputs.js';

/** What the script of a host with little is made from. */
export const SOME_HOST: HostInputs = {
  bucket: 'prestage-portal-dev-1a2b3c4d',
  region: 'eu-central-1',
  fileSystemId: 'fs-0123456789abcdef0',
  accessPointId: 'fsap-0123456789abcdef0',
  host: 'api-1',
  service: 'api',
  index: 1,
  release: '2f1c5d0e9ab34c77',
  needs: [],
  boot: undefined,
  run: 'run/api.sh',
  bootUser: 'root',
  user: 'prestage',
  stop: undefined,
  restart: undefined,
  logs: [],
  files: {},
  port: undefined,
  health: undefined,
  variables: {},
  secrets: {},
  database: undefined,
  neighboursKey: 'neighbours/api-1/HostApi1.sh',
  signalUrl: 'https://example.invalid/arn%3Aaws?Expires=1&Signature=a%2Bb%3D',
  notReady: { do: 'fail' },
};

/** A machine's script with what is packed in clear. */
export function unpacked(rendered: string): string {
  return rendered.replace(/eval "\$\(echo (\S+) \| base64 -d \| gzip -d\)"/, (_, packed: string) =>
    gunzipSync(Buffer.from(packed, 'base64')).toString(),
  );
}
