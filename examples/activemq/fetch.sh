#!/bin/sh
# Fetches the vendor's archive (49 MB) from Maven Central into files/, with Maven.
set -eu
cd "$(dirname "$0")"
archive=files/apache-activemq-5.18.3-bin.tar.gz
[ -f "$archive" ] && exit 0
command -v mvn >/dev/null || { echo 'fetch.sh: needs Maven (mvn), which is not there' >&2; exit 2; }
mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
  -Dartifact=org.apache.activemq:apache-activemq:5.18.3:tar.gz:bin -DoutputDirectory=files
