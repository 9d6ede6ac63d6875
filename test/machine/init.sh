#!/bin/bash
# Process 1 of the machine: an NFS server of the kernel over memory, and clients of it. Each client has a network, process ids, a
# name and mounts of its own, and with them a client of the kernel of its own: caches, leases and state are not shared.
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root NO_COLOR=1 LANG=C.UTF-8
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev 2>/dev/null
mount -t tmpfs t /run; mount -t tmpfs t /tmp; mount -o remount,rw /
for module in virtio_console nfsd nfs nfsv4 veth sch_netem; do modprobe "$module"; done
ip link set lo up; hostname server
ln -s /opt/node /usr/local/bin/node

# Exports: everybody as they are, and everybody squashed to one user, as an access point of EFS does.
mkdir -p /var/lib/nfs/v4recovery /var/lib/nfs/rpc_pipefs /srv/nfs
mount -t nfsd n /proc/fs/nfsd; mount -t rpc_pipefs r /var/lib/nfs/rpc_pipefs; mount -t tmpfs -o size=1g t /srv/nfs
mkdir /srv/nfs/plain /srv/nfs/squashed; mount -t tmpfs -o size=100m t /srv/nfs/squashed
chmod 777 /srv/nfs/*; chown 7377:7377 /srv/nfs/squashed
touch /var/lib/nfs/etab /var/lib/nfs/rmtab
cat >/etc/exports <<'EXPORTS'
/srv/nfs 10.0.0.0/16(rw,fsid=0,no_subtree_check,no_root_squash,insecure,sync)
/srv/nfs/squashed 10.0.0.0/16(rw,fsid=1,no_subtree_check,all_squash,anonuid=7377,anongid=7377,insecure,sync)
EXPORTS
exportfs -ra; rpc.mountd -N 3
# EFS gives no delegations, which would make opening a file again free.
echo 0 >/proc/sys/fs/leases-enable
# A server that restarts waits for its clients to come back: not for the 90 s of a server that nobody tests.
echo 10 >/proc/fs/nfsd/nfsv4leasetime; echo 10 >/proc/fs/nfsd/nfsv4gracetime
rpc.nfsd -N 3 8

client() { # NAME NUMBER
  unshare --net --mount --uts --pid --fork --mount-proc sh -c "hostname $1 && exec sleep infinity" &
  until pid=$(pgrep -P $!); do sleep 0.05; done
  until [ "$(nsenter -t "$pid" -u hostname)" = "$1" ]; do sleep 0.05; done
  echo "$pid" >"/run/client-$1"
  ip link add "to-$1" type veth peer name eth0 netns "$pid"
  ip addr add "10.0.$2.1/24" dev "to-$1"; ip link set "to-$1" up
  nsenter -t "$pid" -n sh -c "ip link set lo up; ip addr add 10.0.$2.2/24 dev eth0; ip link set eth0 up"
  tc qdisc add dev "to-$1" root netem delay 500us
  mkdir -p /mnt/plain /mnt/squashed
  for export in plain squashed; do
    # As EFS is mounted.
    nsenter -t "$pid" -n -m -u mount -t nfs4 \
      -o nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport "10.0.$2.1:/$export" "/mnt/$export" ||
      { echo "client $1 cannot mount $export"; echo o >/proc/sysrq-trigger; sleep 10; }
  done
}
client a 1; client b 2; client c 3
until [ -e /dev/vport1p1 ] || [ -e /dev/vport0p1 ]; do sleep 0.05; done
node /opt/control.mjs /dev/vport*p1
echo o >/proc/sysrq-trigger; sleep 10
