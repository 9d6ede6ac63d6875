#!/usr/bin/env node
import fs = require('node:fs');
import v8 = require('node:v8');

// Node's file work runs in a pool of four threads, and its size can only be given before the first of it: an ES module
// was itself read by the pool, so this one is CommonJS. On a network file system each call waits for a round trip, and
// as many are under way as there are threads (measured: docs/decisions/0004-the-worker-process.md).
const size = process.env.UV_THREADPOOL_SIZE;
process.env.UV_THREADPOOL_SIZE = size ?? '128';
fs.stat(__filename, () => {}); // starts the pool
// Programs that a command starts must not inherit what is said to this process alone.
if (size === undefined) delete process.env.UV_THREADPOOL_SIZE;

// This process inflates and decodes nothing: its one WebAssembly is undici's parser of headers. Compiling that again,
// optimised, takes 38 MiB in the middle of the first download, and makes nothing faster.
v8.setFlagsFromString('--no-wasm-dynamic-tiering');
v8.setFlagsFromString('--no-wasm-tier-up');

void import('./main.js');
