import { createHash, type Hash } from 'node:crypto';
import type { ArchiveReason } from '../../../core/archive-reasons.js';
import { archiveError } from '../archive-error.js';
import type { ByteSource } from '../byte-source.js';
import { unpackMember } from '../member-content.js';
import type { Unpacker } from '../unpacker.js';
import { CPIO_MAGIC_BYTES, type CpioHeader, isCpioMagic, readCpioHeader } from './cpio-header.js';

const FILE_TYPE = 0o170000;
/** Named pipes, devices that are read by characters or by blocks, sockets. */
const SPECIAL_TYPES: readonly number[] = [0o010000, 0o020000, 0o060000, 0o140000];
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
  const { archive } = unpacker;
  let magic = await source.copy(CPIO_MAGIC_BYTES);
  for (;;) {
    await unpackOne(source, unpacker, magic);
    if (await source.restIsZero()) return;
    const { offset } = source;
    magic = await source.copy(CPIO_MAGIC_BYTES);
    const what = 'there is more after its end mark';
    const refusal = () => archiveError('ARCHIVE_INVALID', { archive, offset }, what, { reason: 'trailing-data' });
    if (!unpacker.goesOn(isCpioMagic(magic), offset, refusal)) return;
  }
}

/** Unpacks an archive up to its end mark. The numbers of its files mean nothing in another that is joined to it. */
async function unpackOne(source: ByteSource, unpacker: Unpacker, magic: Buffer): Promise<void> {
  const linked = new Map<string, Linked>();
  for (let start = magic; ; start = await source.copy(CPIO_MAGIC_BYTES)) {
    const { archive, acceptance } = unpacker;
    if (start.length === 0) {
      const place = { archive, offset: source.offset };
      const refusal = () => archiveError('ARCHIVE_INVALID', place, 'is cut off', { reason: 'cut-off' });
      acceptance.judge('no-end-mark', `at byte ${source.offset}`, refusal);
      break;
    }
    const header = await readCpioHeader(start, source, unpacker);
    if (header === undefined) break;
    await unpackEntry(source, unpacker, header, linked);
  }
  for (const { waiting } of linked.values()) {
    for (const { name, path, mode } of waiting) {
      expectFree(unpacker, name, path);
      await unpacker.file(name, path, mode, Buffer.alloc(0));
    }
  }
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
      if (!SPECIAL_TYPES.includes(type)) throw invalid('is of an unknown type');
      if (size !== 0) throw invalid('is a device with a size');
      oneOfItsNames('device');
      return unpacker.device(name, path, place, 'is a device, a named pipe or a socket');
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
    for (const waiting of links.waiting.splice(0)) {
      if (waiting.path !== path) expectFree(unpacker, waiting.name, waiting.path);
      await unpacker.hardLink(waiting.name, waiting.path, name);
    }
  }
}

/** A name that waits for its content comes before what took its path meanwhile, and would be there after it. */
function expectFree(unpacker: Unpacker, name: string, path: string): void {
  if (unpacker.isTaken(path))
    throw archiveError('ARCHIVE_UNSAFE', { archive: unpacker.archive, entry: name }, 'is there twice', {
      reason: 'duplicate',
    });
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
