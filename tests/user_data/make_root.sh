#!/bin/bash
# Makes the machine's file system, and what its package mirror serves: make_root.sh FOLDER PYTHON WHEELS
#
# The image of the stack is an Ubuntu, which no package registry serves as such. Debian is its nearest kin:
# the same package manager, the same init, a Python without the module venv. The user and the cloud-init
# unit are made as the image has them.
set -euo pipefail
folder=$1 python=$2 wheels=$3
root=$folder/root mirror=$folder/mirror
suite=bookworm

rm -rf "$root" "$mirror"
mkdir -p "$mirror/debian" "$mirror/wheels"
debootstrap --variant=minbase --include=ca-certificates,curl,python3,systemd-sysv "$suite" "$root"

# What the boot script will ask the mirror for. Downloaded as a machine of this kind does, and not installed.
cp /etc/resolv.conf "$root/etc/resolv.conf"
rm -f "$root"/var/cache/apt/archives/*.deb
in_root() { chroot "$root" env DEBIAN_FRONTEND=noninteractive "$@"; }
in_root apt-get update -qq
in_root apt-get install -y -qq --download-only --no-install-recommends python3-venv
mv "$root"/var/cache/apt/archives/*.deb "$mirror/debian/"
rm -rf "$root"/var/lib/apt/lists/* "$root/etc/resolv.conf"

# An index as the mirrors have it: one stanza for each package.
(
  cd "$mirror/debian"
  for package in *.deb; do
    # In a URL a name may have no percent sign, and the file names of epochs have one.
    plain=${package//%3a/.}
    [ "$package" = "$plain" ] || mv "$package" "$plain"
    dpkg-deb -f "$plain"
    echo "Filename: ./$plain"
    echo "Size: $(stat -c %s "$plain")"
    echo "SHA256: $(sha256sum "$plain" | cut -d' ' -f1)"
    echo
  done >Packages
  {
    echo "Suite: $suite"
    echo "Date: $(date -Ru)"
    echo "SHA256:"
    echo " $(sha256sum Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages"
  } >Release
)

version=$(in_root python3 -c 'import sys; print(*sys.version_info[:2], sep=".")')
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
  --implementation cp --python-version "$version" --platform "manylinux2014_$(uname -m)" \
  --dest "$mirror/wheels" --requirement "$wheels"

# The machine knows its mirrors by name, as the image does; nothing of this tells the boot script.
echo 'deb [trusted=yes] http://packages.test/debian ./' >"$root/etc/apt/sources.list"
printf '%s\n' '[global]' 'index-url = http://packages.test/simple' 'trusted-host = packages.test' \
  >"$root/etc/pip.conf"
printf '%s\n' '127.0.0.1 localhost' '10.77.0.1 packages.test' >"$root/etc/hosts"
echo machine >"$root/etc/hostname"
in_root useradd --create-home --shell /bin/bash ubuntu

# As cloud-init runs a script: once, late in the boot, by systemd, as root, with systemd's environment.
cat >"$root/etc/systemd/system/cloud-final.service" <<'END_OF_UNIT'
[Unit]
Description=Runs the user data at the first boot
Wants=network-online.target
After=network-online.target first-boot-updates.service
ConditionPathExists=!/var/lib/cloud/done

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutSec=0
KillMode=process
ExecStartPre=/usr/bin/touch /var/lib/cloud/done
ExecStart=/var/lib/cloud/scripts/part-001
StandardOutput=append:/var/log/cloud-init-output.log
StandardError=inherit

[Install]
WantedBy=multi-user.target
END_OF_UNIT
mkdir -p "$root/var/lib/cloud/scripts"
ln -s ../cloud-final.service "$root/etc/systemd/system/multi-user.target.wants/"
