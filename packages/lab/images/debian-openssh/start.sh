#!/bin/sh
# A server that is killed comes back. The first process reaps no orphans, as in most rented containers.
while :; do /usr/sbin/sshd -D -e; done &
exec sleep infinity
