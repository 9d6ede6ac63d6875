import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { sha256 } from '../../../core/digest.js';
import { installedFile } from '../../../core/installation.js';
import { listFolder } from '../../../plan/index.js';
import { packFolder } from '../bucket/pack-folder.js';

export interface PackedAgent {
  /** A tar.gz with `agent.js` at its top. */
  content: Buffer;
  sha256: string;
}

/** The installed agent, as a machine gets it. One installation always gives the same bytes. */
export async function packAgent(signal: AbortSignal): Promise<PackedAgent> {
  const folder = dirname(installedFile('dist/agent/agent.js'));
  const listing = await listFolder(folder, { signal });
  const tar = await packFolder(folder, listing.sha256, signal);
  const gzip = createGzip({ level: 9 });
  const [content] = await Promise.all([buffer(gzip), pipeline(tar.content, gzip, { signal })]);
  return { content, sha256: sha256(content) };
}
