/** A self-extracting installer (makeself and its like) is a shell script with an archive behind it; the archive begins a line. */

const NEWLINE = 0x0a;
/** Each is decompressed for a look; a script that has more of them was made for that. */
const MAX_TRIES = 16;

/** Where an archive may begin behind a script: at the start of each of its lines that begins as `looksLike` says. */
export function* startsBehindScript(head: Buffer, looksLike: (start: Buffer) => boolean): Generator<number> {
  if (head.toString('latin1', 0, 2) !== '#!') return;
  let tries = 0;
  for (let at = head.indexOf(NEWLINE) + 1; at > 0 && tries < MAX_TRIES; at = head.indexOf(NEWLINE, at) + 1) {
    if (!looksLike(head.subarray(at))) continue;
    tries += 1;
    yield at;
  }
}

/** What stands behind the first `count` bytes. */
export async function* without(count: number, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
