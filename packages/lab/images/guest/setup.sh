#!/bin/sh
# Runs inside the guest's root: the account, its login on the console, and nothing at boot that a test doesn't need.
set -eu
echo toehold-guest >/etc/hostname
printf '127.0.0.1 localhost toehold-guest\n' >/etc/hosts
: >/etc/machine-id
useradd --create-home --uid 1000 --shell /bin/bash agent
echo 'agent ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/agent
chmod 440 /etc/sudoers.d/agent
mkdir -p /etc/systemd/system/serial-getty@ttyS0.service.d /etc/systemd/system/getty.target.wants
cat >/etc/systemd/system/serial-getty@ttyS0.service.d/autologin.conf <<'EOF'
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin agent --noclear --keep-baud 115200 %I vt220
EOF
ln -sf /lib/systemd/system/serial-getty@.service /etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service
ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  e2scrub_reap.service systemd-timesyncd.service getty@tty1.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-pstore.service; do
  ln -sf /dev/null "/etc/systemd/system/$unit"
done
