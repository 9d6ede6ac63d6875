// services.mjs [--metadata <file>] <rule>…: what a machine or a network finds around itself, until its standard input ends.
// Prints `ready` when it is.
import { forward } from './forward.mjs';
import { serveMetadata } from './metadata.mjs';

const args = process.argv.slice(2);
if (args[0] === '--metadata') await serveMetadata(args.splice(0, 2)[1]);
await Promise.all(args.map(forward));
console.log('ready');
process.stdin.resume().on('end', () => process.exit());
