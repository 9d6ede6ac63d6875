#!/usr/bin/env node
// The api host's program: the vendor's start script, told what is known only now.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

process.env.LEDGER_ADDRESS = process.env.PRESTAGE_HOST;
process.env.LEDGER_PORT = process.env.PRESTAGE_PORT;
process.env.LEDGER_DATABASE = process.env.PRESTAGE_DATABASE_URL;
process.argv.splice(2, Infinity, 'api');
await import(pathToFileURL(join(process.env.PRESTAGE_ROOT, 'opt', 'ledger', 'bin', 'ledger.mjs')).href);
