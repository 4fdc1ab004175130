/**
 * Arguments: `look` or `apply`, address, length of the network's prefix, its mask, gateway, the gateway as /proc/net/route
 * has it on a little-endian and on a big-endian machine, `given` where the name servers are to be exactly these and
 * `missing` where they are for a machine that has none, name servers.
 *
 * `look` changes nothing and needs no rights: it prints a `todo` for all that is not right. `apply` does just that. Names
 * of interfaces come from /proc, which is the right one in every network namespace; /sys only helps to choose.
 */
export const network = `
LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin
export LC_ALL PATH
mode=$1 addr=$2 len=$3 mask=$4 gw=$5 le=$6 be=$7 dnsmode=$8
shift 8
changed=0
finish() {
  echo "changed $changed"
  echo end
  exit 0
}
fail() {
  echo "fail $1 $(set -f; echo $2)"
  finish
}
has() { command -v "$1" >/dev/null 2>&1; }
# False where it is only looked.
todo() {
  if [ "$mode" = look ]; then
    echo "todo $1"
    return 1
  fi
  changed=1
}

if has ip && ip link show >/dev/null 2>&1; then
  with() { ip "$@" 2>&1; }
elif busybox ip link show >/dev/null 2>&1; then
  with() { busybox ip "$@" 2>&1; }
elif has ifconfig && has route; then
  with() { return 1; }
  old=1
elif busybox ifconfig >/dev/null 2>&1; then
  with() { return 1; }
  ifconfig() { busybox ifconfig "$@"; }
  route() { busybox route "$@"; }
  old=1
else
  fail tool 'ip (iproute2)'
fi
state() { if [ "$old" ]; then ifconfig "$1" 2>&1; else with link show dev "$1"; fi; }
is_up() { case $(state "$1") in *[\\<,\\ ]UP[\\>,\\ ]*) ;; *) return 1 ;; esac; }
addresses() { with -4 addr show dev "$1" | sed -n 's/.*inet \\([0-9.]*\\/[0-9]*\\).*/\\1/p'; }
has_address() {
  if [ "$old" ]; then
    case $(ifconfig "$1" 2>&1) in *inet\\ *"$addr "*ask*"$mask"*) return 0 ;; esac
    return 1
  fi
  for a in $(addresses "$1"); do [ "$a" = "$addr/$len" ] && return 0; done
  return 1
}
number() (
  IFS=.
  set -- $1
  echo $((($1 << 24) + ($2 << 16) + ($3 << 8) + $4))
)
in_net() { [ $(($(number "$1") >> (32 - len))) = $(($(number "$addr") >> (32 - len))) ]; }

if=
rank=9
while IFS=: read -r n rest; do
  n=\${n##* }
  case $n in '' | lo | *'|'* | docker* | veth*_* | br-* | virbr* | tun* | wg* | sit* | gre* | dummy* | ip6* | tunl*) continue ;; esac
  [ -n "$rest" ] || continue
  d=/sys/class/net/$n
  r=3
  t=1
  if [ -r "$d/type" ]; then read -r t <"$d/type"; fi
  [ "$t" = 1 ] && [ ! -d "$d/bridge" ] || continue
  if [ -e "$d/device" ]; then r=2; fi
  if [ -d "$d/wireless" ]; then r=4; fi
  if has_address "$n"; then r=1; fi
  if [ $r -lt $rank ]; then
    rank=$r
    if=$n
  fi
done </proc/net/dev
[ -n "$if" ] || fail interface
echo "interface $if"

up() { if [ "$old" ]; then e=$(ifconfig "$@" up 2>&1); else e=$(with link set "$1" up); fi; }
if ! is_up lo && todo loopback; then up lo; fi
if ! is_up "$if" && todo link; then
  up "$if" && is_up "$if" || fail link "$e"
fi

if ! has_address "$if" && todo address; then
  if [ "$old" ]; then
    e=$(ifconfig "$if" "$addr" netmask "$mask" up 2>&1)
  else
    # Another one of this network would be what the machine goes on to answer with.
    for a in $(addresses "$if"); do
      if in_net "\${a%/*}"; then with addr del "$a" dev "$if" >/dev/null; fi
    done
    e=$(with addr add "$addr/$len" dev "$if")
  fi
  has_address "$if" || fail address "$e"
fi

# The default route that goes first.
first_route() {
  best=
  while read -r i d g flags c u m k rest; do
    [ "$d$k" = 0000000000000000 ] || continue
    if [ -z "$best" ] || [ "$m" -lt "$metric" ]; then
      best="$i $g"
      metric=$m
    fi
  done </proc/net/route
  [ "$best" = "$if $le" ] || [ "$best" = "$if $be" ]
}
if ! first_route && todo route; then
  if [ "$old" ]; then
    route del default >/dev/null 2>&1
    e=$(route add default gw "$gw" dev "$if" 2>&1)
  else
    e=$(with route replace default via "$gw" dev "$if")
  fi
  first_route || fail route "\${e:-another default route goes first}"
fi

servers=$(sed -n 's/^[[:blank:]]*nameserver[[:blank:]]\\{1,\\}\\([^[:blank:]]*\\).*/\\1/p' /etc/resolv.conf 2>/dev/null)
servers=$(set -f; echo $servers)
resolved=
if has resolvectl && [ -d /run/systemd/resolve ] && resolvectl dns >/dev/null 2>&1; then resolved=1; fi
is_named() {
  if [ "$resolved" ]; then
    [ -n "$servers" ] || return 1
    if [ "$dnsmode" = given ]; then
      now=$(resolvectl dns "$if" 2>/dev/null)
      [ "\${now#*: }" = "$*" ]
    else
      resolvectl dns 2>/dev/null | grep -q ': *[^ ]'
    fi
  elif [ "$dnsmode" = given ]; then
    [ "$servers" = "$*" ]
  else
    # The address of systemd-resolved, which isn't there.
    [ -n "$servers" ] && [ "$servers" != 127.0.0.53 ]
  fi
}
if ! is_named "$@" && todo dns; then
  if [ "$resolved" ]; then
    e=$(resolvectl dns "$if" "$@" 2>&1 && resolvectl domain "$if" '~.' 2>&1) || fail dns "$e"
    if [ -z "$servers" ]; then
      e=$(ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf 2>&1) || fail dns "$e"
    fi
  else
    t=/etc/.resolv.conf.$$
    e=$({ printf 'nameserver %s\\n' "$@"; grep -v '^[[:blank:]]*nameserver' /etc/resolv.conf 2>/dev/null; } 2>&1 >"$t") || [ -s "$t" ] ||
      fail dns "$e"
    # In a container it is a mount, which nothing can take the place of.
    if ! mv -f "$t" /etc/resolv.conf 2>/dev/null; then
      e=$(cat "$t" 2>&1 >/etc/resolv.conf) || { rm -f "$t"; fail dns "$e"; }
      rm -f "$t"
    fi
  fi
fi
if [ "$resolved" ]; then echo 'dns systemd-resolved'; else echo 'dns resolv.conf'; fi

# A gateway that takes no ping still says which hardware address it has.
is_known() {
  while read -r a t f h m d; do
    [ "$a $d" = "$gw $if" ] && case $f in 0x2 | 0x6) return 0 ;; esac
  done </proc/net/arp
  return 1
}
asked=
ask() {
  if has ping; then
    asked=1
    ping -c 1 -W 1 "$gw" && return 0
  fi
  if busybox ping -c 1 -W 1 127.0.0.1; then
    asked=1
    busybox ping -c 1 -W 1 "$gw" && return 0
  fi
  if has bash; then
    asked=1
    bash -c 'echo >"/dev/udp/$1/9"' bash "$gw"
  fi
  return 1
}
tries=6
[ "$mode" = look ] && tries=1
k=0
answers=no
while [ $k -lt $tries ]; do
  if ask >/dev/null 2>&1 </dev/null || is_known; then
    answers=yes
    break
  fi
  [ -n "$asked" ] || break
  k=$((k + 1))
  [ $k -lt $tries ] && sleep 1
done
echo "gateway $answers"
if [ $answers = no ]; then
  if [ "$mode" = look ]; then echo 'todo gateway'; elif [ -n "$asked" ]; then fail silent; fi
fi
finish
`
