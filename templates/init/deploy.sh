#!/bin/sh
# Deploys this project: ./deploy.sh [flags], for example --prepare-files-only.
# `prestage deploy --help` lists the flags; paths in them are relative to this folder.
set -eu

missing() {
  printf '%s: %s\n' deploy.sh "$1" >&2
  exit 2
}

case $0 in
  */*) cd -- "${0%/*}" ;;
esac

command -v node >/dev/null 2>&1 || missing 'Node.js 20.19 or newer is needed, and no node is on the PATH (https://nodejs.org).'
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  missing "Node.js 20.19 or newer is needed; this is $(node --version)."

# Installed in this project, or in one around it, or Prestage in one file there, or Prestage's own project.
folder=$PWD
while [ -n "$folder" ]; do
  if [ -x "$folder/node_modules/.bin/prestage" ]; then
    exec "$folder/node_modules/.bin/prestage" deploy "$@"
  fi
  if [ -f "$folder/prestage.mjs" ]; then
    exec node "$folder/prestage.mjs" deploy "$@"
  fi
  if [ -f "$folder/dist/cli.cjs" ] && grep -q '^  "name": "prestage",' "$folder/package.json" 2>/dev/null; then
    exec node "$folder/dist/cli.cjs" deploy "$@"
  fi
  folder=${folder%/*}
done

# Installed for the whole machine. Not by npx, which would run whatever the registry has by that name.
if command -v prestage >/dev/null 2>&1; then
  exec prestage deploy "$@"
fi
missing 'prestage is not installed: run npm pack in a clone of Prestage, then npm install --save-dev <that file> in this folder; or put prestage.mjs here.'
