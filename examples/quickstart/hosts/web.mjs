#!/usr/bin/env node
// The web host's program: as the api's, with the api hosts' addresses and the themes.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

process.env.LEDGER_ADDRESS = process.env.PRESTAGE_HOST;
process.env.LEDGER_PORT = process.env.PRESTAGE_PORT;
process.env.LEDGER_API = process.env.PRESTAGE_API_HOSTS;
process.env.LEDGER_THEMES = join(process.env.PRESTAGE_ROOT, 'opt', 'themes');
process.argv.splice(2, Infinity, 'web');
await import(pathToFileURL(join(process.env.PRESTAGE_ROOT, 'opt', 'ledger', 'bin', 'ledger.mjs')).href);
