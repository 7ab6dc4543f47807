#!/bin/bash
# Boots a machine: boot.sh ROOT, in mount, host name, IPC and network namespaces of its own.
#
# The first call gets a control group of its own and enters the remaining namespaces; the second, which is
# process 1 there, lays out what a kernel lays out, and becomes systemd.
set -eu
root=$1

if [ "${2:-}" != inside ]; then
  groups=$(mktemp -d)
  mount -t cgroup2 none "$groups"
  # What machines leave that were switched off; a group with a process in it does not go.
  for left in "$groups"/lab1-flow-machine-*; do
    kill -0 "${left##*-}" 2>/dev/null || find "$left" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  own=$groups/lab1-flow-machine-$$
  mkdir "$own"
  echo $$ >"$own/cgroup.procs"
  umount "$groups"
  rmdir "$groups"
  # The network is joined from outside.
  until ip route get 169.254.169.254 >/dev/null 2>&1; do sleep 0.05; done
  exec unshare --cgroup --pid --fork --kill-child -- "$0" "$root" inside
fi

mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
  touch "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
hostname machine
mkdir -p mnt/outside
pivot_root . mnt/outside
cd /
umount -l /mnt/outside
exec env -i container=lab1-flow PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --show-status=no --log-target=console </dev/null
