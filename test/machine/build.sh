#!/usr/bin/env bash
# Makes a machine for qemu in FOLDER: Debian's own kernel with its NFS server and client (vmlinuz), the first root, which finds the
# disk (first.gz), and a small Debian on it (base.img). As root, with debootstrap; a minute, and 400 MB. What a run brings itself,
# Node and the built command, is on a second disk: see machine.ts.
#   build.sh FOLDER
set -euo pipefail
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
debootstrap --variant=minbase --include=nfs-kernel-server,nfs-common,kmod,iproute2,procps,busybox-static \
  bookworm root http://deb.debian.org/debian >debootstrap.log 2>&1 || { tail -n 20 debootstrap.log >&2; exit 1; }

# The kernel's package is unpacked, not installed: installing it would make a first root of its own, for any machine.
chroot root sh -ec '
  apt-get update -qq
  package=$(apt-cache depends linux-image-cloud-amd64 | sed -n "s/ *Depends: //p" | head -n 1)
  cd /tmp && apt-get download -qq "$package"
  dpkg -x "$package"_*.deb kernel && rm "$package"_*.deb
  apt-get clean && rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/share/locale /usr/share/man'
mkdir -p "$folder"
cp root/tmp/kernel/boot/vmlinuz-* "$folder/vmlinuz"
mv root/tmp/kernel/lib/modules root/lib/ && rm -rf root/tmp/kernel
version=$(basename root/lib/modules/*)
chroot root depmod "$version"

# The kernel has ext4 built in, and its drivers of disks as modules.
mkdir -p first/bin first/modules
cp root/bin/busybox first/bin/
for module in virtio_pci virtio_blk; do
  grep -E "/$module\.ko:" "root/lib/modules/$version/modules.dep" | tr -d : | tr ' ' '\n'
done | sort -u | while read -r file; do cp "root/lib/modules/$version/$file" first/modules/; done
cat >first/init <<'INIT'
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /new
/bin/busybox mount -t devtmpfs d /dev
# Some need others: the order is found by trying.
for turn in 1 2 3 4 5; do for file in /modules/*.ko; do /bin/busybox insmod "$file" 2>/dev/null; done; done
until [ -e /dev/vda ] && [ -e /dev/vdb ]; do /bin/busybox usleep 20000; done
/bin/busybox mount -t ext4 /dev/vda /new && /bin/busybox mount -t ext4 -o ro /dev/vdb /new/opt
exec /bin/busybox switch_root /new /bin/bash /opt/init.sh
INIT
chmod +x first/init
(cd first && find . | cpio --quiet -o -H newc | gzip) >"$folder/first.gz"
mke2fs -q -t ext4 -O ^has_journal -d root "$folder/base.img" 700M
