import { withoutCredentials } from '../../core/redaction.js';
import type { CheckResult } from './check-result.js';

/**
 * The checks of a trial as a report of JUnit, which CI systems show: one suite, a test case a check, times in seconds. The form is
 * what Jenkins, GitLab and GitHub's actions read; there is no standard.
 */
export function junitReport({
  project,
  checks,
  durationMs,
  startedAt,
}: {
  project: string;
  checks: readonly CheckResult[];
  durationMs: number;
  startedAt: Date;
}): string {
  const failures = checks.filter(({ ok }) => !ok).length;
  const counts = `tests="${checks.length}" failures="${failures}" errors="0"`;
  const skipped = checks.filter((check) => check.skipped).length;
  const time = seconds(durationMs);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="prestage test" ${counts} time="${time}">`,
    `  <testsuite name="${attribute(project)}" ${counts} skipped="${skipped}" time="${time}" timestamp="${startedAt.toISOString().slice(0, 19)}">`,
    ...checks.flatMap((check) => testCase(project, check)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(project: string, { name, ok, skipped, durationMs, detail = '', error }: CheckResult): string[] {
  const open = `    <testcase classname="${attribute(project)}" name="${attribute(name)}" time="${seconds(durationMs)}"`;
  if (skipped) return [`${open}>`, `      <skipped message="${attribute(detail)}"/>`, '    </testcase>'];
  if (ok) return [`${open}/>`];
  const told = [error?.message ?? detail, ...(error?.hint === undefined ? [] : [error.hint])].join('\n');
  const attributes = `type="${attribute(error?.code ?? 'CHECK_FAILED')}" message="${attribute(detail)}"`;
  return [`${open}>`, `      <failure ${attributes}>${text(told)}</failure>`, '    </testcase>'];
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** XML 1.0 has no way to write these, not even as a reference. */
const IMPOSSIBLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** Secrets are taken out before it is XML: what hides the rest of an address would take the end of an element with it. */
function text(value: string): string {
  return withoutCredentials(value)
    .replace(IMPOSSIBLE, '\ufffd')
    .replace(/[&<>"]/g, (char) => NAMED[char] ?? char);
}

/** Line ends in an attribute are read as blanks unless they are references. */
function attribute(value: string): string {
  return text(value).replace(/[\n\r\t]/g, (char) => `&#${char.charCodeAt(0)};`);
}
