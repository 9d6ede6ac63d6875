// Writes what follows from other files: docs/errors.md from the tables of errors and of archives' reasons, docs/events.md from
// the types of events, and the copies of the scripts that stand beside a configuration. With --check it writes nothing, and fails where a page is not what it would write.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const pages = {
  'docs/errors.md': errorsPage({
    ...(await importSource('src/core/errors.ts')),
    ...(await importSource('src/core/archive-reasons.ts')),
  }),
  'docs/events.md': eventsPage(await readFile('src/core/events.ts', 'utf8')),
  ...(await projectScripts()),
};

const stale = [];
for (const [path, text] of Object.entries(pages)) {
  if ((await readFile(path, 'utf8').catch(() => '')) === text) continue;
  stale.push(path);
  if (!process.argv.includes('--check')) await writeFile(path, text);
}
if (process.argv.includes('--check') && stale.length > 0) {
  process.stderr.write(`${stale.join(', ')}: not as the sources say. Run: npm run docs\n`);
  process.exitCode = 1;
}

/** `deploy.sh` and `deploy.ps1` of `init` are the originals: of those that call `prestage test`, and of the quickstart's. */
async function projectScripts() {
  const copies = {};
  for (const extension of ['sh', 'ps1']) {
    const deploy = await readFile(`templates/init/deploy.${extension}`, 'utf8');
    const trial = deploy
      .replace('Deploys this project', "Tries this project's phases in a throw-away folder")
      .replaceAll(`deploy.${extension}`, `test-file-prep.${extension}`)
      .replace('-PrepareFilesOnly', '-TestPhase1Only')
      .replace('--prepare-files-only', '--phase1-only')
      .replaceAll(/\bdeploy(?= (?:"\$@"|@args|--help|-Help))/g, 'test');
    copies[`templates/init/test-file-prep.${extension}`] = trial;
    copies[`examples/quickstart/test-file-prep.${extension}`] = trial;
    copies[`examples/quickstart/deploy.${extension}`] = deploy;
  }
  return copies;
}

/** A TypeScript module as this Node can import it. */
async function importSource(path) {
  const { outputFiles } = await build({
    entryPoints: [path],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

function errorsPage({ ERRORS, ARCHIVE_REASONS }) {
  const rows = Object.entries(ERRORS).map(([code, [status, meaning]]) => `| \`${code}\` | ${status} | ${meaning} |`);
  const reasons = Object.entries(ARCHIVE_REASONS).flatMap(([code, ofCode]) =>
    Object.entries(ofCode).map(([reason, meaning]) => `| \`${code}\` | \`${reason}\` | ${meaning} |`),
  );
  return `# Errors

<!-- Generated from src/core/errors.ts and archive-reasons.ts by scripts/generate-docs.mjs. -->

Every failure has one of these codes. With \`--json\` it is \`error.code\` of the last line; the exit status follows from it.
An error says what failed and where, what was expected and found where that is known, and what to do next.

| code | exit status | meaning |
| --- | --- | --- |
${rows.join('\n')}

## Why an archive is refused

Errors of archives have a reason as well, \`error.context.reason\`: the rule that was broken. New reasons may be added in a
minor version.

| code | reason | meaning |
| --- | --- | --- |
${reasons.join('\n')}
`;
}

function eventsPage(source) {
  const file = ts.createSourceFile('events.ts', source, ts.ScriptTarget.Latest, true);
  const sections = file.statements
    .filter((statement) => ts.isTypeAliasDeclaration(statement) && ts.isUnionTypeNode(statement.type))
    .filter((statement) => statement.type.types.every((member) => ts.isTypeLiteralNode(member)))
    .map((statement) => eventsSection(statement, source));
  return `# Events

<!-- Generated from src/core/events.ts by scripts/generate-docs.mjs. -->

With \`--json\`, stdout has one JSON object a line. Each but the last is an event: its \`type\`, the \`time\` at which it
happened (ISO 8601, UTC), and the members below. The last is the result (see [the command line](cli.md#json)). The
library hands the same objects to \`emit\`, without the time. New types and new members may be added in a minor version.

${sections.join('\n')}`;
}

function eventsSection(statement, source) {
  const title = statement.name.text.replace(/Event$/, ' events').replace(/^./, (letter) => letter.toUpperCase());
  const about = commentsBefore(statement, source);
  const rows = statement.type.types.map((literal) => {
    const [type, ...members] = literal.members;
    const shown = members.map(
      (member) => `\`${member.name.text}${member.questionToken ? '?' : ''}: ${memberType(member)}\``,
    );
    return `| \`${type.type.literal.text}\` | ${shown.join(', ')} | ${commentsBefore(literal, source)} |`;
  });
  return `## ${title}\n\n${about ? `${about}\n\n` : ''}| type | members | |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

/** In a cell of a table, a bar would end it. */
function memberType(member) {
  return member.type.getText().replaceAll('|', '\\|').replaceAll("'", '"').replace(/\s+/g, ' ');
}

function commentsBefore(node, source) {
  // The comment of a union's member stands before its bar.
  const bar = source.lastIndexOf('|', node.getStart());
  const start = ts.isTypeLiteralNode(node) ? source.slice(0, bar).trimEnd().length : node.getStart();
  const [, text] = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/$/.exec(source.slice(0, start).trimEnd()) ?? [];
  return (text ?? '').replace(/\s*\n\s*\*\s?/g, ' ').trim();
}
