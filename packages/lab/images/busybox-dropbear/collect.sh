#!/bin/sh
# Puts a system together in the folder $1: BusyBox, dropbear with the libraries that it loads, two accounts.
set -eu
system=$1
mkdir -p "$system/bin" "$system/sbin" "$system/usr/bin" "$system/usr/sbin" "$system/etc" "$system/proc" "$system/dev" \
  "$system/root" "$system/home/agent" "$system/tmp" "$system/var/run" "$system/etc/toehold"
chmod 1777 "$system/tmp"
chmod 700 "$system/root"
cp /bin/busybox "$system/bin/busybox"
for applet in $(/bin/busybox --list-full); do
  [ -e "$system/$applet" ] || ln -s /bin/busybox "$system/$applet"
done
for program in /usr/sbin/dropbear /usr/bin/dropbearkey /usr/lib/dropbear/dropbearconvert /usr/bin/dropbearconvert; do
  [ -x "$program" ] || continue
  cp "$program" "$system/usr/sbin/"
  ldd "$program" | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$system$(dirname "$library")"
    cp -L "$library" "$system$library"
  done
done
cp -L /lib/*-linux-gnu/libnss_files.so* "$system$(dirname /lib/*-linux-gnu/libc.so.6)/" 2>/dev/null || true
printf 'root:x:0:0:root:/root:/bin/sh\nagent:x:1000:1000:agent:/home/agent:/bin/sh\n' >"$system/etc/passwd"
printf 'root:x:0:\nagent:x:1000:\n' >"$system/etc/group"
printf '/bin/sh\n' >"$system/etc/shells"
chown 1000:1000 "$system/home/agent"
cp /start.sh "$system/start.sh"
chmod 755 "$system/start.sh"
