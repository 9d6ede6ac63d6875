#!/bin/sh
# Runs once on each new host, in the host's own folder: keep what the prepared files say.
set -eu
sh "$PRESTAGE_ROOT/opt/product/bin/greet.sh" > greeting.txt
