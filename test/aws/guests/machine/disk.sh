#!/bin/sh
# disk.sh <disk> <run> <file systems> <node> <hosts> <command…>, in a mount namespace of its own: a root that shows this system, and keeps
# what is written to it in memory. Then it is the command, which so holds the namespace.
set -eu
disk=$1 run=$2 file_systems=$3 node=$4 hosts=$5
shift 5
mount -t tmpfs disk "$disk"
cd "$disk"
mkdir upper work root log
mount -t overlay root -o lowerdir=/,upperdir=upper,workdir=work root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount --rbind /sys root/sys
for folder in run tmp mnt; do mount -t tmpfs "$folder" "root/$folder"; done
chmod 1777 root/tmp
mount --bind log root/var/log
# What is here by other mounts than the root's: tools, mostly.
while read -r _ place kind _; do
  case $kind in ext4 | xfs | btrfs | overlay | 9p | virtiofs | fuse*) ;; *) continue ;; esac
  case $place in / | "$disk"* | /proc* | /sys* | /dev* | /run* | /tmp* | /etc/* | /mnt*) continue ;; esac
  mount --bind "$place" "root$place" 2>/dev/null && mount -o remount,bind,ro "root$place"
done </proc/mounts
mkdir -p root/run/guest
mount --bind "$run" root/run/guest
mount --bind "$file_systems" root/run/guest/file-systems
mount --bind "$node" root/run/guest/node
# As on a fresh Amazon Linux: no Node, no mount helper for EFS; and nobody to ask for names.
rm -f root/usr/bin/node root/usr/local/bin/node root/usr/bin/npm root/usr/bin/npx root/sbin/mount.efs
rm -rf root/var/lib/cloud
rm -f root/etc/resolv.conf && : >root/etc/resolv.conf
mount --bind "$hosts" root/etc/hosts
for program in dnf shutdown systemd-run; do
  rm -f "root/usr/bin/$program" "root/usr/sbin/$program"
  cp "root/run/guest/machine/$program" "root/usr/bin/$program"
  ln -s "../bin/$program" "root/usr/sbin/$program"
done
rm -f root/usr/bin/aws && ln -s /run/guest/aws root/usr/bin/aws
cd /
exec "$@"
