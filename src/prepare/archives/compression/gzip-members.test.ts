import { crc32, gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PrestageError } from '../../../core/errors.js';
import { gunzipMembers } from './gzip-members.js';

const RUNS = Number(process.env.PRESTAGE_FUZZ_RUNS ?? 300);

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

async function inflated(bytes: Buffer, pieceBytes: number): Promise<{ content: Buffer; ends: number[] }> {
  const ends: number[] = [];
  const pieces: Buffer[] = [];
  for await (const piece of gunzipMembers(inPieces(bytes, pieceBytes), 'a', (offset) => ends.push(offset)))
    pieces.push(piece);
  return { content: Buffer.concat(pieces), ends };
}

/** A header with all that RFC 1952 has, and the checksum of it. */
const FULL_HEADER = Buffer.from('1f8b081e00000000000303006162636e616d6500776f72647300', 'hex');

test('members in any pieces are what zlib makes of them, and what follows is found', async () => {
  const member = fc.uint8Array({ maxLength: 2000 }).map((bytes) => gzipSync(bytes));
  const behind = fc.constantFrom('', '\0\0\0', 'signature', '\x1e', '\0\0signature');
  await fc.assert(
    fc.asyncProperty(
      fc.array(member, { minLength: 1, maxLength: 4 }),
      behind,
      fc.constantFrom(1, 7, 100, 5000),
      async (members, rest, pieceBytes) => {
        const whole = Buffer.concat(members);
        const { content, ends } = await inflated(Buffer.concat([whole, Buffer.from(rest, 'latin1')]), pieceBytes);
        expect(content).toEqual(gunzipSync(whole));
        const zeros = rest.length - rest.replace(/^\0+/, '').length;
        expect(ends).toEqual(zeros === rest.length ? [] : [whole.length + zeros]);
      },
    ),
    { numRuns: RUNS / 3 },
  );
});

test('a header with all its fields is passed over, and its checksum is held against it', async () => {
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(crc32(FULL_HEADER) & 0xffff);
  const body = gzipSync('content').subarray(10);
  const right = Buffer.concat([FULL_HEADER, sum, body]);
  expect(gunzipSync(right).toString()).toBe('content');
  expect((await inflated(right, 5)).content.toString()).toBe('content');
  const wrong = Buffer.from(right);
  wrong[FULL_HEADER.length] = (sum[0] ?? 0) ^ 1;
  await expect(inflated(wrong, 5)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
});

test('a member that is cut off or changed anywhere is refused, or is what it was', async () => {
  const bytes = gzipSync('some text, '.repeat(20) + Math.PI);
  for (let at = 0; at < bytes.length; at += 1) {
    await expect(inflated(bytes.subarray(0, at), 9)).rejects.toMatchObject({ context: { reason: 'cut-off' } });
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 0x10;
    const result = await inflated(changed, 9).catch((error: unknown) => error);
    if (result instanceof PrestageError) expect(result.code).toBe('ARCHIVE_INVALID');
    else expect(result).toMatchObject({ content: gunzipSync(bytes), ends: [] });
  }
});

test('any bytes behind a mark end, in bytes or as damaged', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 50 }), async (bytes, pieceBytes) => {
      const archive = Buffer.concat([Buffer.from('1f8b08', 'hex'), bytes]);
      const result = await inflated(archive, pieceBytes).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toMatchObject({ code: 'ARCHIVE_INVALID' });
    }),
    { numRuns: RUNS },
  );
});
