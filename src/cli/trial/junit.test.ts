import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { lacks } from '../../../test/requirements.js';
import type { CheckResult } from './check-result.js';
import { junitReport } from './junit.js';

const checks: CheckResult[] = [
  { name: 'files are prepared', ok: true, skipped: false, durationMs: 1234 },
  { name: 'single-phase', ok: true, skipped: true, durationMs: 0, detail: 'no jump host' },
  {
    name: 'hosts are "healthy" & <well>',
    ok: false,
    skipped: false,
    durationMs: 20,
    detail: 'first\nsecond \u0000\ud800',
    error: {
      code: 'HOST_FAILED',
      message: 'a ]]> b, Cookie: sesame',
      hint: 'See https://example.com/?signature=abc',
      context: {},
    },
  },
];
const report = junitReport({
  project: 'po<rtal',
  checks,
  durationMs: 2000,
  startedAt: new Date('2026-11-26T10:00:00Z'),
});

test.skipIf(lacks('python3'))('an XML parser reads back what was said, whatever characters are in it', () => {
  const program = `
import json, sys, xml.etree.ElementTree as tree
def of(node): return [node.tag, node.attrib, (node.text or '').strip(), [of(child) for child in node]]
print(json.dumps(of(tree.fromstring(sys.stdin.buffer.read()))))`;
  const read = JSON.parse(execFileSync('python3', ['-c', program], { input: report, encoding: 'utf8' }));
  const counts = { tests: '3', failures: '1', errors: '0', time: '2.000' };
  const ofProject = { classname: 'po<rtal' };
  expect(read).toEqual([
    'testsuites',
    { name: 'prestage test', ...counts },
    '',
    [
      [
        'testsuite',
        { name: 'po<rtal', ...counts, skipped: '1', timestamp: '2026-11-26T10:00:00' },
        '',
        [
          ['testcase', { ...ofProject, name: 'files are prepared', time: '1.234' }, '', []],
          [
            'testcase',
            { ...ofProject, name: 'single-phase', time: '0.000' },
            '',
            [['skipped', { message: 'no jump host' }, '', []]],
          ],
          [
            'testcase',
            { ...ofProject, name: 'hosts are "healthy" & <well>', time: '0.020' },
            '',
            [
              [
                'failure',
                { type: 'HOST_FAILED', message: 'first\nsecond \ufffd\ufffd' },
                'a ]]> b, Cookie: ***\nSee https://example.com/?***',
                [],
              ],
            ],
          ],
        ],
      ],
    ],
  ]);
});
