#!/bin/bash
# machine.sh <folder> <script>: runs the script on a machine whose process 1 is systemd itself. The machine has this system's files
# under an overlay, no network but loopback, and <folder> as /root/shared. It ends with the script, after at most two minutes.
#   unshare --pid --mount --uts --ipc --net --cgroup --fork --kill-child machine.sh <folder> <script>
set -e
shared=$1 script=$2
mount --make-rprivate /
mount -t tmpfs machine /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay machine -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t sysfs sys sys
mount -t cgroup2 cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs run run
mount -t tmpfs tmp tmp
mkdir -p root/shared
mount --bind "$shared" root/shared
units=etc/systemd/system
rm -rf "$units"/*.wants
cat >"$units/job.service" <<UNIT
[Unit]
DefaultDependencies=no
Requires=dbus.socket
After=dbus.socket
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
TimeoutStartSec=120
ExecStart=/bin/bash /root/shared/$script
StandardOutput=file:/root/shared/out
StandardError=inherit
UNIT
ip link set lo up
exec chroot . env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --unit=job.service --log-target=null --show-status=0
