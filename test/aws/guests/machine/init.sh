#!/bin/bash
# Process 1 of a machine: runs the parts of its user data one after the other, as cloud-init does, and stays.
mount -t proc proc /proc
cd /
{
  for part in /run/guest/parts/*; do "$part"; done
  echo "cloud-init: finished"
} </dev/null 2>&1 | (trap '' TERM HUP INT; exec tee -a /var/log/cloud-init-output.log) &
trap '' TERM HUP INT
while :; do
  sleep 1000 &
  wait $!
done
