#!/usr/bin/env node
// Ledger Server 3.2.0: starts one of its programs: ledger.mjs api | web
import { dirname, join } from 'node:path';

// Set by the installer.
const home = '/opt/ledger-server';
const port = 9999;

const [program] = process.argv.slice(2);
if (program !== 'api' && program !== 'web') {
  console.error('usage: ledger.mjs api|web');
  process.exit(2);
}
const { start } = await import(join(home, 'bin', `${program}.mjs`));
await start({ home, port, address: process.env.LEDGER_ADDRESS ?? '0.0.0.0' });
