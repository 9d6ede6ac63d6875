import { createHash, type Hash } from 'node:crypto';
import type { ArchiveReason } from '../../../core/archive-reasons.js';
import { archiveError } from '../archive-error.js';
import type { ByteSource } from '../byte-source.js';
import { unpackMember } from '../member-content.js';
import type { Unpacker } from '../unpacker.js';
import { type CpioHeader, readCpioHeader } from './cpio-header.js';

const FILE_TYPE = 0o170000;
const MAX_TARGET_BYTES = 4096;

/** A file with several names: in newc, only the last of its entries has the content; in odc, each. */
interface Linked {
  /** The entry that was first, and what all of them have to be: programs make the others links to it. */
  name: string;
  kind: string;
  /** How many more names it may have, as the first entry says. */
  left: number;
  /** Under which name it was unpacked, and what it is. */
  content?: { name: string; sha256: string };
  /** Entries that came before the content. */
  waiting: { name: string; path: string; mode: number }[];
}

/**
 * Unpacks a cpio archive: newc, newc with checksums, or odc (POSIX).
 * @throws ARCHIVE_INVALID, ARCHIVE_UNSUPPORTED, ARCHIVE_UNSAFE, ARCHIVE_LIMIT
 */
export async function unpackCpio(source: ByteSource, unpacker: Unpacker): Promise<void> {
  const linked = new Map<string, Linked>();
  for (;;) {
    const header = await readCpioHeader(source, unpacker);
    if (header === undefined) break;
    await unpackEntry(source, unpacker, header, linked);
  }
  for (const { waiting } of linked.values()) {
    for (const { name, path, mode } of waiting) await unpacker.file(name, path, mode, Buffer.alloc(0));
  }
  if (await source.restIsZero()) return;
  throw archiveError('ARCHIVE_INVALID', { archive: unpacker.archive }, 'there is more after its end mark', {
    reason: 'trailing-data',
  });
}

async function unpackEntry(
  source: ByteSource,
  unpacker: Unpacker,
  header: CpioHeader,
  linked: Map<string, Linked>,
): Promise<void> {
  const { name, mode, size, padding, offset } = header;
  const place = { archive: unpacker.archive, entry: name, offset };
  const invalid = (what: string, reason?: ArchiveReason<'ARCHIVE_INVALID'>) =>
    archiveError('ARCHIVE_INVALID', place, what, reason && { reason });
  const cutOff = () => invalid('is cut off: the archive ends inside it', 'cut-off');
  const type = mode & FILE_TYPE;
  const path = unpacker.place(name, type === 0o040000);
  if (path === undefined) {
    if ((await source.skip(size + padding)) < size + padding) throw cutOff();
    return;
  }
  switch (type) {
    case 0o040000:
      if (size !== 0) throw invalid('is a folder with a size');
      oneOfItsNames('folder');
      return unpacker.folder(name, path);
    case 0o120000: {
      if (size === 0 || size > MAX_TARGET_BYTES) throw invalid('is a link with an impossible target');
      const target = await source.copy(size);
      if (target.length < size || (await source.skip(padding)) < padding) throw cutOff();
      const text = unpacker.names.text(target, place, 'a link target');
      oneOfItsNames(`link to ${text}`);
      return unpacker.link(name, path, text);
    }
    case 0o100000:
      return unpackFile(path);
    default:
      throw archiveError('ARCHIVE_UNSAFE', place, 'is a device, a named pipe or a socket', { reason: 'special-file' });
  }

  /** What is known of the file that an entry is a name of, where there may be others. bsdtar asks for its number alone. */
  function oneOfItsNames(kind: string): Linked | undefined {
    if (header.link === undefined) return undefined;
    const links = linked.get(header.link) ?? { name, kind, left: header.links, waiting: [] };
    if (links.kind !== kind)
      throw invalid(`is the same file as ${JSON.stringify(links.name)}, and of another kind`, 'headers-differ');
    linked.set(header.link, links);
    return links;
  }

  async function unpackFile(path: string): Promise<void> {
    const links = oneOfItsNames('file');
    // bsdtar takes what comes then for another file, and leaves those before it empty.
    if (links !== undefined) links.left -= 1;
    if (links !== undefined && links.left < 0 && !header.linksHaveContent)
      throw invalid(
        `is the same file as ${JSON.stringify(links.name)}, which says that it has fewer names`,
        'headers-differ',
      );
    if (links !== undefined && size === 0 && !header.linksHaveContent) {
      // 7-Zip makes an empty file of it; and where it is the same path, GNU cpio as well. All programs write the content last.
      if (links.content !== undefined)
        throw invalid(
          `is the same file as ${JSON.stringify(links.content.name)}, without the content that came before`,
          'headers-differ',
        );
      links.waiting.push({ name, path, mode });
      return;
    }
    const seen = new SeenContent({ summed: header.checksum !== undefined, hashed: links !== undefined });
    await unpackMember(source, unpacker, { name, path, mode, size, padding }, cutOff, (bytes) => seen.add(bytes));
    if (header.checksum !== undefined && seen.sum !== header.checksum)
      throw invalid('has a wrong checksum', 'checksum');
    if (links === undefined) return;
    const { sha256 } = seen;
    // Some programs give all names the first content, some the last; where one is enough, GNU cpio makes an empty file of the next.
    const isRepeated = links.content !== undefined && !header.linksHaveContent;
    if (links.content !== undefined && (isRepeated || links.content.sha256 !== sha256))
      throw invalid(
        `is the same file as ${JSON.stringify(links.content.name)}, with a content of its own`,
        'headers-differ',
      );
    links.content ??= { name, sha256 };
    for (const waiting of links.waiting.splice(0)) await unpacker.hardLink(waiting.name, waiting.path, name);
  }
}

/** What is asked of a file's content while it passes by. */
class SeenContent {
  readonly #hash: Hash | undefined;
  readonly #summed: boolean;
  #sum = 0;

  constructor({ summed, hashed }: { summed: boolean; hashed: boolean }) {
    this.#summed = summed;
    this.#hash = hashed ? createHash('sha256') : undefined;
  }

  add(bytes: Buffer): void {
    this.#hash?.update(bytes);
    if (this.#summed) for (const byte of bytes) this.#sum = (this.#sum + byte) | 0;
  }

  get sum(): number {
    return this.#sum >>> 0;
  }

  get sha256(): string {
    return this.#hash?.digest('hex') ?? '';
  }
}
