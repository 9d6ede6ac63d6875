#!/usr/bin/env node
// Runs once on the jump host: what an administrator would look at first.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

console.log(`release ${process.env.PRESTAGE_RELEASE} holds:`);
for (const folder of ['opt/ledger', 'opt/themes']) {
  console.log(`  ${folder}: ${readdirSync(join(process.env.PRESTAGE_ROOT, folder)).join(', ')}`);
}
