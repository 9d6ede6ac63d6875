// Runs in the machine: takes commands from its serial port, a line of JSON each, and answers each by its id when it has ended.
import { spawn } from 'node:child_process';
import { closeSync, createReadStream, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [port] = process.argv.slice(2);
const fd = openSync(port, 'r+'); // once: the port is busy for a second that opens it
const answer = (message) => {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
};

createInterface({ input: createReadStream(port, { fd }) }).on('line', (line) => {
  const { id, client, command } = JSON.parse(line);
  // To files, not pipes: what a command leaves behind in the background would hold a pipe open.
  const files = ['stdout', 'stderr'].map((name) => `/run/${id}.${name}`);
  const [stdout, stderr] = files.map((file) => openSync(file, 'w'));
  const within =
    client === undefined
      ? []
      : ['nsenter', '-t', readFileSync(`/run/client-${client}`, 'utf8').trim(), '-n', '-m', '-u', '-p'];
  const [program, ...args] = [...within, 'bash', '-c', command];
  const started = performance.now();
  const child = spawn(program, args, { cwd: '/tmp', stdio: ['ignore', stdout, stderr] });
  for (const file of [stdout, stderr]) closeSync(file);
  child.on('exit', (status) => {
    const [out, err] = files.map((file) => readFileSync(file, 'utf8'));
    for (const file of files) rmSync(file);
    answer({ id, status, stdout: out, stderr: err, ms: Math.round(performance.now() - started) });
  });
});
answer({ ready: true });
