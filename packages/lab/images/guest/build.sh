#!/bin/bash
# Builds a Linux guest for QEMU from Debian packages in the folder $1: `kernel`; `debian.initrd` and `debian.ext4` (systemd,
# the account `agent` logged in on ttyS0); `busybox.initrd` (BusyBox alone, root's shell on ttyS0).
# In /opt of Debian's there is the package systemd-resolved, for tests that want to have it installed.
# Needs mmdebstrap, fakeroot, cpio and e2fsprogs, and root or user namespaces.
set -euo pipefail
out=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out" "$work/kernel"

# The kernel's package is unpacked, not installed: it would bring boot loaders and their hooks along.
mmdebstrap --quiet --variant=minbase \
  --include=systemd-sysv,udev,dbus-user-session,libpam-systemd,sudo,iproute2,procps,busybox-static,ca-certificates,git \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="copy-in '$here/setup.sh' /" \
  --customize-hook='chroot "$1" sh /setup.sh' \
  --customize-hook='rm "$1/setup.sh"' \
  --customize-hook='chroot "$1" sh -c "cd /tmp && apt-get -q download \$(apt-cache depends linux-image-cloud-amd64 | sed -n s/.*Depends:.//p)"' \
  --customize-hook='chroot "$1" sh -c "cd /opt && apt-get -q download systemd-resolved"' \
  --customize-hook="sync-out /tmp '$work/kernel'" \
  --customize-hook='rm -f "$1"/tmp/*.deb' \
  bookworm "$work/root.tar"

dpkg -x "$work"/kernel/linux-image-*.deb "$work/kernel"
cp "$work"/kernel/boot/vmlinuz-* "$out/kernel"

# $1: name of the system, then its modules in the order in which they are loaded (virtio_ring before virtio: the one needs
# the other at load time, whatever its name says).
make_initrd() {
  local name=$1 root=$work/$1 module found
  shift
  mkdir -p "$root/bin" "$root/modules" "$root/proc" "$root/sys" "$root/dev" "$root/root" "$root/tmp" "$root/etc"
  tar -xOf "$work/root.tar" ./usr/bin/busybox >"$root/bin/busybox"
  cp "$here/init.$name" "$root/init"
  chmod 755 "$root/bin/busybox" "$root/init"
  for module in "$@"; do
    found=$(find "$work/kernel/lib/modules" -name "$module.ko")
    # Some are part of the kernel itself.
    if [ -n "$found" ]; then
      cp "$found" "$root/modules/"
      echo "$module" >>"$root/modules/order"
    fi
  done
  (cd "$root" && find . | fakeroot cpio --quiet -o -H newc) | gzip -1 >"$out/$name.initrd"
}
network="failover net_failover virtio_net"
# shellcheck disable=SC2086
make_initrd debian virtio_ring virtio virtio_mmio virtio_blk $network crc16 mbcache jbd2 crc32c_generic libcrc32c ext4
# shellcheck disable=SC2086
make_initrd busybox virtio_ring virtio virtio_mmio $network

mkdir "$work/root"
fakeroot sh -c "tar -xpf '$work/root.tar' -C '$work/root' && mke2fs -q -t ext4 -O ^has_journal -d '$work/root' '$out/debian.ext4' 600M"
