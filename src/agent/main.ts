import { runAgent } from './run-agent.js';

const [runFolder] = process.argv.slice(2);
if (runFolder === undefined) {
  process.stderr.write('usage: agent.js <run folder>\n');
  process.exit(2);
}
// Said outright, since a connection that is still open must not keep a finished worker alive.
process.exit(await runAgent(runFolder));
