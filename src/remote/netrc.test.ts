import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { serve } from '../../test/http-server.js';
import { lacks } from '../../test/requirements.js';
import { netrcLogin, parseNetrc } from './netrc.js';

/** By what it is about: the file, and the hosts that are asked for. */
const FILES: Record<string, string> = {
  'one line': 'machine host.test login me password secret\n',
  'a line for each word': 'machine\nhost.test\nlogin\nme\npassword\nsecret',
  'tabs, indents and line ends of Windows': 'machine host.test\r\n\tlogin me\r\n\tpassword secret\r\n',
  'other hosts around it': `machine a.test login a password a
machine host.test login me password secret
machine b.test login b password b
`,
  'two of one host': `machine host.test login me password first
machine host.test login other password second
`,
  'a comment above':
    '# a comment with machine host.test login no password no\nmachine host.test login me password secret\n',
  'a comment behind': 'machine host.test login me # the login\n password secret\n',
  'a password with a hash': 'machine host.test login me password sec#ret\n',
  'a password in quotes': 'machine host.test login me password "with \\"quotes\\" and spaces"\n',
  'a quote inside a password': 'machine host.test login me password se"cr"et\n',
  'a password that is a word of the format': 'machine host.test login me password machine\n',
  'a password without a user': 'machine host.test password secret\n',
  'a user without a password': 'machine host.test login me\n',
  'letters of another case': 'machine Host.TEST login me password secret\n',
  'a macro before':
    'machine a.test login a password a\nmacdef init\ncd /pub\nmachine host.test login no password no\n\nmachine host.test login me password secret\n',
  'an account': 'machine host.test login me account acc password secret\n',
  'no such host': 'machine other.test login me password secret\n',
  'a longer name': 'machine my.host.test login me password secret\n',
  'nothing in it': '',
};

describe.skipIf(lacks('curl'))('a login is what curl takes it for', () => {
  test.each(Object.entries(FILES))('with %s', async (_, text) => {
    const sent: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      sent.push(request.headers.authorization);
      response.end();
    });
    const { port } = new URL(url);
    const file = join(await mkdtemp(join(tmpdir(), 'prestage-netrc-')), 'netrc');
    await writeFile(file, text);
    const flags = ['--silent', '--netrc-file', file, '--netrc-optional', '--noproxy', '*'];
    await promisify(execFile)('curl', [
      ...flags,
      '--resolve',
      `host.test:${port}:127.0.0.1`,
      `http://host.test:${port}/`,
    ]);
    const ours = await netrcLogin('host.test', { NETRC: file });
    const basic = ours && `Basic ${Buffer.from(`${ours.user}:${ours.password}`).toString('base64')}`;
    expect(basic).toBe(sent[0]);
  });
});

test('a password may begin with a hash, which curl takes for a comment', () => {
  expect(parseNetrc('machine a login me password #secret # why').get('a')).toEqual({ user: 'me', password: '#secret' });
});

test('`default` is for no host, so that no password goes to whoever a source is on', () => {
  const logins = parseNetrc('default login me password secret\nmachine host.test login a password b');
  expect([...logins]).toEqual([['host.test', { user: 'a', password: 'b' }]]);
});
