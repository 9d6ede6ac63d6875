#!/bin/sh
# What a team would do today, the whole job: check the source's digest, extract, change, make a manifest with every
# file's SHA-256, make it durable, publish. Usage: peer.sh ARCHIVE SHA256 ROOT PATCH
set -eu
archive=$1 sha256=$2 root=$3 patch=$4
stage=$root/.staging/app
mkdir -p "$root/trees" "$stage"
echo "$sha256  $archive" | sha256sum --check --quiet
case $archive in
  *.jar) unzip -q "$archive" -d "$stage" ;;
  *) tar -xzf "$archive" --no-same-owner -C "$stage" ;;
esac
patch --silent -p1 -d "$stage/app" <"$patch"
sed -i 's/yum -y/dnf -y/' "$stage/app/bin/start.sh"
(cd "$stage" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) >"$root/.staging/manifest"
sync -f "$stage"
mv "$root/.staging/manifest" "$root/trees/app.sha256"
mv "$stage" "$root/trees/app"
