#!/bin/sh
# Runs once on each new host: without Java there is nothing to start, and this is where to say so.
set -eu
command -v java >/dev/null || { echo 'boot: java is not on this host' >&2; exit 1; }
java -version
