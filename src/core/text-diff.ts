import { isUtf8 } from 'node:buffer';
import { withoutSecrets } from './secret-lines.js';
import { unifiedDiff } from './unified-diff.js';

/** The lines that make one file the other, without secrets; undefined where one of them is no text. @param secrets known values */
export function textDiff(before: Uint8Array, after: Uint8Array, secrets: readonly string[]): string[] | undefined {
  if (!isText(before) || !isText(after)) return undefined;
  return withoutSecrets(unifiedDiff(decoded(before), decoded(after)), secrets);
}

function isText(content: Uint8Array): boolean {
  return isUtf8(content) && !content.includes(0);
}

function decoded({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('utf8');
}
