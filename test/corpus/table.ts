import type { Outcome } from './outcome.js';
import { type Suite, TOO_LARGE } from './suites.js';

/** An archive's path in its suite, and what came of it. */
export type Row = [path: string, outcome: Outcome];

/** The outcomes of a suite, for people and for a comparison. */
export function tableOf(suite: Suite, rows: readonly Row[], leftOut: readonly string[]): string {
  const lines = [
    `# ${suite.name}`,
    '',
    'What comes of the archives in its tests. Written by `npm run test:corpus -- -u`.',
    '',
    HEADER,
    '| --- | --- | --- |',
    ...rows.map(([path, outcome]) => `| ${path} | ${ours(outcome)} | ${bsdtars(outcome)} |`),
    ...leftOut.map((path) => `| ${path} | not tried: ${TOO_LARGE[path]} | |`),
  ];
  return `${lines.join('\n')}\n`;
}

const HEADER = '| archive | Prestage | bsdtar |';

function ours({ refusal }: Outcome): string {
  if (refusal === undefined) return 'unpacked';
  return `\`${refusal.code}\`${refusal.reason && ` ${refusal.reason}`}: ${inCell(refusal.says)}`;
}

function bsdtars({ bsdtar, others: { same, other } }: Outcome): string {
  const agreeing = same.length > 0 ? `; ${same.join(', ')}: same tree` : '';
  const differing = other.length > 0 ? `; ${other.join(', ')}: other tree` : '';
  return bsdtar + agreeing + differing;
}

/** Names in messages may have anything in them, and be long. */
function inCell(text: string): string {
  const plain = text
    .replace(/[|<`\\]/g, '\\$&')
    .replace(/\p{C}/gu, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`);
  return plain.length > 200 ? `${plain.slice(0, 200)}…` : plain;
}

function isRead(bsdtar: Outcome['bsdtar']): boolean {
  return bsdtar === 'same tree' || bsdtar === 'other tree' || bsdtar === 'reads it';
}

/** A row of the summary in docs/formats.md: of how many archives, what came of them. */
export function summaryOf(suite: Suite, rows: readonly Row[]): string {
  const count = (bsdtar: readonly Outcome['bsdtar'][], isRefused: boolean) =>
    rows.filter(([, outcome]) => bsdtar.includes(outcome.bsdtar) && isRefused === (outcome.refusal !== undefined))
      .length;
  const numbers = [
    rows.length,
    rows.filter(([, { bsdtar }]) => isRead(bsdtar)).length,
    count(['same tree'], false),
    count(['other tree'], false),
    count(['reads it'], true),
    count(['refuses it'], false),
  ];
  return `| ${suite.name} | ${numbers.join(' | ')} |`;
}
