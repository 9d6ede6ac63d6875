#!/bin/sh
# The broker's program: ActiveMQ from the release, which is read-only, with its data in the host's own folder.
set -eu
ACTIVEMQ_HOME=$PRESTAGE_ROOT/opt/activemq
ACTIVEMQ_BASE=$PWD
ACTIVEMQ_CONF=$ACTIVEMQ_HOME/conf
ACTIVEMQ_DATA=$PWD/data
ACTIVEMQ_TMP=$PWD/tmp
# activemq.xml and log4j2 read these; the port is known only now.
ACTIVEMQ_SSL_OPTS="-Dprestage.port=$PRESTAGE_PORT -Dprestage.host=$PRESTAGE_HOST"
export ACTIVEMQ_HOME ACTIVEMQ_BASE ACTIVEMQ_CONF ACTIVEMQ_DATA ACTIVEMQ_TMP ACTIVEMQ_SSL_OPTS
mkdir -p "$ACTIVEMQ_DATA" "$ACTIVEMQ_TMP"
exec "$ACTIVEMQ_HOME/bin/activemq" console
