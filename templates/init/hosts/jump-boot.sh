#!/bin/sh
set -eu
echo "release $PRESTAGE_RELEASE is at $PRESTAGE_ROOT"
