#!/bin/sh
# dropbear reads keys in a format of its own, and authorized_keys in home folders alone.
set -eu
for account in root:/root agent:/home/agent; do
  home=${account#*:}
  mkdir -p "$home/.ssh"
  cp /etc/toehold/authorized_keys "$home/.ssh/authorized_keys"
  chmod 700 "$home/.ssh"
  chmod 600 "$home/.ssh/authorized_keys"
  chown -R "${account%%:*}" "$home"
done
/usr/sbin/dropbearconvert openssh dropbear /etc/toehold/host_key /etc/toehold/dropbear_host_key
# A server that is killed comes back. The shell reaps orphans meanwhile, as an init does.
while :; do /usr/sbin/dropbear -F -E -m -s -p 22 -r /etc/toehold/dropbear_host_key || :; done
