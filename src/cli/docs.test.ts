import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { captured } from '../../test/captured.js';
import { ERRORS } from '../core/errors.js';
import { installedFile } from '../core/installation.js';
import { createProgram } from './program.js';

const cli = readFileSync(installedFile('docs/cli.md'), 'utf8');
const program = createProgram({ run: async () => {}, surroundings: captured() });

test('docs/errors.md, docs/events.md and the scripts of projects follow from their originals (else: npm run docs)', () => {
  expect(() =>
    execFileSync(process.execPath, [installedFile('scripts/generate-docs.mjs'), '--check'], { stdio: 'pipe' }),
  ).not.toThrow();
});

describe('docs/cli.md has', () => {
  const commands = program.commands.map((command) => command.name());

  test.each(commands)('a section for %s with all its flags', (name) => {
    const command = program.commands.find((item) => item.name() === name);
    const section = sectionOf(name);
    for (const option of command?.options ?? []) expect(section).toContain(`\`${option.flags.replace(', ', '`, `')}\``);
  });

  test('no section for a command that does not exist', () => {
    const sections = [...cli.matchAll(/^### prestage (\S+)/gm)].map(([, name]) => name);
    expect(sections.sort()).toEqual([...commands].sort());
  });

  test('every global flag', () => {
    for (const option of program.options) expect(cli).toContain(`\`${option.flags.replace(', ', '`, `')}\``);
  });

  test('every exit status', () => {
    const statuses = new Set([0, ...Object.values(ERRORS).map(([status]) => status)]);
    for (const status of statuses) expect(cli).toMatch(new RegExp(`^\\| ${status} \\|`, 'm'));
  });
});

const pages = ['README.md', ...readdirSync(installedFile('docs')).filter((name) => name.endsWith('.md'))];

test.each(pages)('%s names commands and flags that there are', async (name) => {
  const page = readFileSync(installedFile(name === 'README.md' ? name : `docs/${name}`), 'utf8');
  const written = [
    ...page.matchAll(/`((?:npx )?prestage [^`\n]+)`/g),
    ...page.matchAll(/^ *((?:npx )?prestage .*?)(?: +#.*)?$/gm),
  ];
  const lines = written
    .map(([, line = '']) => line.replace(/^npx /, ''))
    .filter((line) => !/[<|]|--iam|--help/.test(line));
  if (name === 'aws.md') expect(lines.length).toBeGreaterThan(20);
  for (const line of lines) {
    const parser = createProgram({ run: async () => {}, surroundings: captured() });
    await expect(parser.parseAsync(line.split(' ').slice(1), { from: 'user' }), line).resolves.toBeDefined();
  }
});

function sectionOf(name: string): string {
  const [, section] = new RegExp(`^### prestage ${name}$([\\s\\S]*?)(?=^##|(?![\\s\\S]))`, 'm').exec(cli) ?? [];
  expect(section, `no section for ${name}`).toBeDefined();
  return section ?? '';
}
