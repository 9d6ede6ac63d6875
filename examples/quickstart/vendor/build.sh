#!/bin/sh
# Makes ../files/ from this folder, the same bytes each time. Needs GNU tar, gzip, zip and this repository's npm packages.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R ledger-server-3.2.0 reports themes "$work/"
npx --no-install esbuild --bundle --format=esm --platform=node --log-level=warning \
  --outfile="$work/ledger-server-3.2.0/lib/postgres.mjs" ../../../node_modules/postgres/src/index.js
find "$work" -exec touch -d 2026-01-01T00:00:00Z {} +
chmod 755 "$work/ledger-server-3.2.0/bin/ledger.mjs" "$work/ledger-server-3.2.0/bin/os-packages.sh"
mkdir -p "$work/ledger-server-3.2.0/addons"
(cd "$work/reports" && TZ=UTC zip -qX "$work/ledger-server-3.2.0/addons/reports.zip" reports.json)
touch -d 2026-01-01T00:00:00Z "$work/ledger-server-3.2.0/addons/reports.zip"
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime=2026-01-01T00:00:00Z --mode=u+rw,go+r-w \
  -cf - ledger-server-3.2.0 | gzip -9n > ../files/ledger-server-3.2.0.tar.gz
rm -f ../files/ledger-themes-1.1.jar
(cd "$work/themes" && TZ=UTC find . -type f | LC_ALL=C sort | TZ=UTC zip -qX -@ "$OLDPWD/../files/ledger-themes-1.1.jar")
