// Records a session of the built command in a real shell on a pseudo-terminal, and draws it: docs/session.svg. Run by `npm run
// recording`, on Linux (script, of util-linux). What is typed is typed by this program; what is answered is answered by Prestage.
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import xterm from '@xterm/headless';
import { drawing } from './drawing.mjs';
import { vendorProject } from './vendor-project.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const COLUMNS = 92;
const ROWS = 28;
/** Nobody wants to see a cursor that waits, neither ours nor the machine's. */
const LONGEST_PAUSE_MS = 1200;

/** Ctrl-L: the screen is empty, but for the prompt. */
const CLEAR = '\f';

const SESSION = [
  'ls',
  'prestage init --yes',
  `${CLEAR}grep -v '^#' prestage.config.yaml`,
  `${CLEAR}prestage deploy`,
  `${CLEAR}prestage deploy   # again`,
  'prestage explain opt/billing/bin/install.sh',
];

const project = await vendorProject(repository);
const terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true, convertEol: false });
const frames = [];
let clock = 0;
let last = Date.now();

const shell = spawn(
  'script',
  ['-qefc', `stty cols ${COLUMNS} rows ${ROWS}; exec bash --norc --noprofile -i`, '/dev/null'],
  {
    cwd: project.folder,
    env: {
      HOME: project.folder,
      PATH: `${project.bin}:${process.env.PATH}`,
      PS1: '\\[\\e[1;32m\\]$\\[\\e[0m\\] ',
      TERM: 'xterm-256color',
      LANG: 'C.UTF-8',
      HISTFILE: '/dev/null',
    },
  },
);
let written = Promise.resolve();
shell.stdout.on('data', (bytes) => {
  written = written.then(() => new Promise((done) => terminal.write(bytes, done))).then(look);
});

function look() {
  const now = Date.now();
  clock += Math.min(now - last, LONGEST_PAUSE_MS);
  last = now;
  const rows = rowsOf(terminal.buffer.active);
  // It begins with the first prompt.
  if (frames.length === 0 && rows.every((row) => row.length === 0)) clock = 0;
  else frames.push({ at: clock, rows });
}

for (const line of SESSION) {
  await prompt();
  await pause(900);
  for (const key of line) {
    shell.stdin.write(key);
    await pause(35);
  }
  await pause(250);
  shell.stdin.write('\r');
  await pause(100);
}
await prompt();
await pause(300);
// Of what ends the shell, nothing is to be seen.
const recorded = [...frames];
shell.stdin.end('exit\r');
await new Promise((ended) => shell.once('close', ended));
await project.remove();
const svg = drawing({
  frames: recorded,
  columns: COLUMNS,
  rows: ROWS,
  session: SESSION.map((line) => line.replace(CLEAR, '')),
});
await writeFile(join(repository, 'docs/session.svg'), svg);
console.error(
  `docs/session.svg: ${recorded.length} frames, ${Math.round(clock / 1000)} s, ${Math.round(svg.length / 1024)} KiB`,
);

/** Waits until the shell asks for a line, and nothing came for a moment. */
async function prompt() {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const { baseY, cursorY, cursorX } = terminal.buffer.active;
    const text = terminal.buffer.active.getLine(baseY + cursorY).translateToString(true);
    if (/^\$ ?$/.test(text) && cursorX === 2 && Date.now() - last > 200) return;
    if (Date.now() > deadline) throw new Error(`no prompt, but: ${text}`);
    await pause(50);
  }
}

function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

/** Each row of the screen as pieces of one style. */
function rowsOf(buffer) {
  return Array.from({ length: ROWS }, (_, y) => {
    const line = buffer.getLine(buffer.baseY + y);
    const pieces = [];
    for (let x = 0; x < COLUMNS; x++) {
      const cell = line.getCell(x);
      const style = [
        cell.isFgPalette() ? `c${cell.getFgColor()}` : '',
        cell.isBold() ? 'b' : '',
        cell.isDim() ? 'd' : '',
      ]
        .filter(Boolean)
        .join(' ');
      const chars = cell.getChars() || ' ';
      const piece = pieces.at(-1);
      if (piece?.style === style || (piece && chars === ' ')) piece.text += chars;
      else pieces.push({ x, style, text: chars });
    }
    return pieces.map((piece) => ({ ...piece, text: piece.text.trimEnd() })).filter(({ text }) => text !== '');
  });
}
