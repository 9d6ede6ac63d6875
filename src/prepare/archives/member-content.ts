import type { ByteSource } from './byte-source.js';
import { SMALL_ENTRY_BYTES, type Unpacker } from './unpacker.js';

/** A file of an archive whose content comes next. */
export interface Member {
  name: string;
  /** Where it goes in the tree. */
  path: string;
  mode: number;
  size: number;
  /** Bytes that fill it up to whole blocks. */
  padding: number;
}

/** Unpacks a file's content and passes over its padding. @throws what `cutOff` makes, where the archive ends before */
export async function unpackMember(
  source: ByteSource,
  unpacker: Unpacker,
  { name, path, mode, size, padding }: Member,
  cutOff: () => Error,
  seen: (bytes: Buffer) => void = () => undefined,
): Promise<void> {
  if (size <= SMALL_ENTRY_BYTES) {
    const content = await source.copy(size);
    if (content.length < size) throw cutOff();
    seen(content);
    await unpacker.file(name, path, mode, content);
  } else {
    await unpacker.stream(name, path, mode, size, whole());
  }
  if ((await source.skip(padding)) < padding) throw cutOff();

  async function* whole(): AsyncGenerator<Buffer> {
    let left = size;
    for await (const chunk of source.stream(size)) {
      left -= chunk.length;
      seen(chunk);
      yield chunk;
    }
    if (left > 0) throw cutOff();
  }
}
