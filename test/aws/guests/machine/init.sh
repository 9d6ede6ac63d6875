#!/bin/bash
# Process 1 of a machine: runs what is kept for each start, and the parts of its user data, one after the other, as cloud-init
# does, and stays.
mount -t proc proc /proc
find /run -mindepth 1 -maxdepth 1 ! -name guest -exec rm -rf {} +
cd /
{
  for part in /var/lib/cloud/scripts/per-boot/* /run/guest/parts/*; do [ ! -x "$part" ] || "$part"; done
  echo "cloud-init: finished"
} </dev/null 2>&1 | (trap '' TERM HUP INT; exec tee -a /var/log/cloud-init-output.log) &
trap '' TERM HUP INT
while :; do
  sleep 1000 &
  wait $!
done
