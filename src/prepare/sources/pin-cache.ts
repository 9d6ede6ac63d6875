import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { sha256 } from '../../core/digest.js';
import { rm } from '../../core/held-files.js';
import { publishFile } from '../../store/index.js';
import { existingSize } from './local-size.js';

const keptPin = z.object({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int(),
  version: z.string().optional(),
  /** By which the server tells whether it is still this file, where it does. */
  validator: z.string().optional(),
  /** What the server said that it is. */
  said: z.strictObject({ contentType: z.string().optional(), fileName: z.string().optional() }).optional(),
});
export type KeptPin = z.infer<typeof keptPin>;

/** Two servers that speak as S3 does may have the same address. */
interface Asked {
  url: string;
  endpoint?: string | undefined;
}

/** What was planned and never deployed is kept for so long. */
const KEPT_MS = 7 * 24 * 3_600_000;

/**
 * Downloads that pinned a source, each under its SHA-256, and by the source's URL what it was then: so that `deploy` uses
 * what `plan` has fetched. They go when their release is prepared. A cache: it may be deleted at any time.
 */
export class PinCache {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  copyOf(digest: string): string {
    return join(this.folder, digest);
  }

  /** What a file was when it was fetched, where that is still here. */
  async find(remote: Asked): Promise<KeptPin | undefined> {
    try {
      const pin = keptPin.parse(JSON.parse(await readFile(this.#pinOf(remote), 'utf8')));
      return (await existingSize(this.copyOf(pin.sha256))) === pin.size ? pin : undefined;
    } catch {
      return undefined; // not fetched yet, or damaged: it is fetched
    }
  }

  async keep(remote: Asked, pin: KeptPin): Promise<void> {
    await publishFile(this.#pinOf(remote), JSON.stringify(pin), { mode: 0o644 });
  }

  /** Removes copies that are needed no more, of these digests, and what is so old that nobody will deploy it. Never fails. */
  async remove(digests: ReadonlySet<string>, nowMs = Date.now()): Promise<void> {
    const names = await readdir(this.folder).catch((): string[] => []);
    const files = names.map((name) => ({ name, path: join(this.folder, name) }));
    const old = await Promise.all(
      files.map(async ({ name, path }) => {
        const { mtimeMs } = (await stat(path).catch(() => undefined)) ?? { mtimeMs: 0 };
        return digests.has(name) || nowMs - mtimeMs > KEPT_MS ? [path] : [];
      }),
    );
    await Promise.all(old.flat().map((path) => rm(path, { force: true }).catch(() => {})));
  }

  /** A URL may hold credentials, so it is not what the file is called. */
  #pinOf({ url, endpoint }: Asked): string {
    return join(this.folder, `${sha256(endpoint === undefined ? url : `${url} ${endpoint}`)}.pin`);
  }
}
