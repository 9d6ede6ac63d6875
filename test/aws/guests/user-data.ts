import { gunzipSync } from 'node:zlib';

/** A part of user data that is run. */
export interface Part {
  script: Buffer;
  /** At the first start alone, or at each. */
  when: 'once' | 'always';
}

/**
 * What cloud-init runs of user data: a script, a boothook, or a MIME archive of them; gzip around it or not.
 * @throws where it is something else, of which a real machine would just say a line in its log
 */
export function partsOf(userData: Buffer): Part[] {
  const plain = userData[0] === 0x1f && userData[1] === 0x8b ? gunzipSync(userData) : userData;
  const text = plain.toString('latin1');
  if (text === '') return [];
  if (text.startsWith('#!')) return [{ script: plain, when: 'once' }];
  if (text.startsWith('#cloud-boothook')) return [{ script: withInterpreter(plain), when: 'always' }];
  const [, boundary] = /^content-type: *multipart\/mixed;\s*boundary="?([^"\r\n]+)"?/im.exec(headOf(text)) ?? [];
  if (boundary === undefined) throw new Error(`user data is neither a script nor a MIME archive: ${text.slice(0, 60)}`);
  const parts = text
    .split(new RegExp(`^--${boundary.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?:--)?[ \\t]*\\r?\\n?`, 'm'))
    .slice(1)
    .filter((part) => part.trim() !== '');
  // The documented way to have user data run at each start.
  const each = parts.some(
    (part) => /^content-type: *text\/cloud-config/im.test(headOf(part)) && /\[ *scripts-user, *always *\]/.test(part),
  );
  return parts.flatMap((part) => partOf(part, each ? 'always' : 'once'));
}

function partOf(part: string, plain: Part['when']): Part[] {
  const head = headOf(part);
  const body = part.slice(head.length).replace(/^(\r?\n){1,2}/, '');
  const script = /^content-transfer-encoding: *base64/im.test(head)
    ? Buffer.from(body, 'base64')
    : Buffer.from(body, 'latin1');
  const [, type = ''] = /^content-type: *([^;\s]+)/im.exec(head) ?? [];
  switch (type) {
    case 'text/x-shellscript':
      return [{ script, when: plain }];
    case 'text/x-shellscript-per-instance':
    case 'text/x-shellscript-per-once':
      return [{ script, when: 'once' }];
    case 'text/x-shellscript-per-boot':
      return [{ script, when: 'always' }];
    case 'text/cloud-boothook':
      return [{ script: withInterpreter(script), when: 'always' }];
    case 'text/cloud-config':
      return [];
    default:
      throw new Error(`the emulated cloud-init knows no part of type ${type}`);
  }
}

function headOf(text: string): string {
  return text.slice(0, Math.max(0, text.search(/\r?\n\r?\n/)));
}

function withInterpreter(script: Buffer): Buffer {
  const body = script.toString('latin1').replace(/^#cloud-boothook\s*\n/, '');
  return Buffer.from(body.startsWith('#!') ? body : `#!/bin/sh\n${body}`, 'latin1');
}
