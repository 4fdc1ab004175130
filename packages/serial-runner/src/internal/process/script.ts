/**
 * What the program on the machine's side learns for processes: several at once, each with pipes of its own. It is loaded
 * into the running program, once.
 *
 * A process is a session leader that replaces a shell, between named pipes. Beside it are one reader for each output, which
 * puts what comes into one of two slots and goes on when the one before the last was acknowledged, so that a process whose
 * output nobody takes is held back; one feeder, which passes on what it is told to; and one that waits for its end. What
 * they have to say goes by one pipe to the one that prints, so that no two pieces mix. What was said is kept until it is
 * of no use, to be said again.
 *
 * A shell tells an exit code from a signal in words alone, and bash only where it does not follow POSIX.
 *
 * Said: `pb seq` begun, `pv seq pid word…` what came of the start, `px seq code message left` the end (or `px seq fifo`
 * for what was not started), `d` and `t` with a piece behind them, `pq seq stream n` that there is one, `pz seq stream
 * count why` the end of an output, `pi seq k` a piece of input was read (or `closed`), `pu seq` unknown.
 */
import { shellText } from "../agentScript.ts"

/** Most bytes of a piece of output: what a pipe holds. */
export const pieceBytes = 65_536

const program = String.raw`
pw() { echo "$2" >"$d/$1.q"; echo "$2" 1<>"$d/ev"; }
pU() {
trap - INT QUIT EXIT HUP TERM
exec 7<>"$d/ev" 9>&-
while read -r x <&7; do
set -- $x
case $1 in
d) pO "$2" "$3" "$4";;
G) shift; G "$@";;
*) o $x;;
esac
done
}
pO() {
f=$d/$1.$2.$(($3%2))
if [ "$3" = 0 ]; then
m= a= k=
exec 5<"$f"
while IFS= read -r a; do m=$m$a$q; [ @{#m} -gt 999 ] && k=long && break; done <&5
read -r x y </proc/self/fdinfo/5
exec 5<&-
m=$m$a
if [ -z "$k" ] && [ "@{#m}" = "$y" ]; then o t "$1" "$2" "$y" "$3"; printf '%s%s\n@%s .\n' "$m" "$m" "$n"; return; fi
fi
o d "$1" "$2" "$3" $($c <"$f")
cat "$f"
printf '\n@%s .\n' "$n"
}
pR() {
j=0 a=-1 b=$d/$1.$2 w=
exec 4<>"$b.a"
while :; do
while [ "$a" -lt $((j-2)) ]; do read -r a <&4; done
dd bs=65536 count=1 of="$b.$((j%2))" 2>/dev/null || { w=failed; break; }
[ -s "$b.$((j%2))" ] || break
pw "$1.$2.$((j%2))" "d $1 $2 $j"
j=$((j+1))
done
pw "$1.$2.z" "pz $1 $2 $j $w"
}
pF() {
w=-1
exec 4<>"$b.c" 5>"$b.i"
while read -r a f <&4; do
[ "$a" = end ] && exit
[ "$a" -gt "$w" ] || continue
cat "$d/$f" >&5 || { pw "$t.i" "pi $t closed"; exit; }
w=$a; pw "$t.i" "pi $t $a"
done
}
pW() {
trap - INT QUIT EXIT HUP TERM
exec 7>&- 9>&-
t=$1 g=$2 h=$3 b=$d/$1
set --
case $g in *i*) set -- "$b.i" "$b.c";; esac
case $g in *o*) set -- "$@" "$b.o" "$b.o.a";; esac
case $g in *e*) set -- "$@" "$b.e" "$b.e.a";; esac
[ $# = 0 ] || mkfifo "$@" || { pw "$t.x" "px $t fifo"; exit; }
case $g in *i*) pF & ;; esac
case $g in *o*) pR "$t" o <"$b.o" & ;; esac
case $g in *e*) pR "$t" e <"$b.e" & ;; esac
umask "$u"
if [ -n "$z" ]; then LC_ALL=$z; else unset LC_ALL; fi
[ -z "$BASH_VERSION" ] || set +o posix
exec 2>"$b.m"
if [ -n "$e" ]; then setsid /bin/sh "$b.s"
else set -m; /bin/sh "$b.s" & wait $!; fi
r=$? s=0 p= a=0
[ -s "$b.m" ] && s=1
[ -f "$b.v.q" ] && read -r k k p k <"$b.v.q"
[ -n "$p" ] && kill -0 -$p 2>/dev/null && { a=1; [ $r = 0 ] || case $g in *g*) kill -$h -$p 2>/dev/null;; esac; }
pw "$t.x" "px $t $r $s $a"
[ -p "$b.c" ] && echo end 1<>"$b.c"
}
pX() {
if [ ! -f "$d/$1.group" ]; then
[ -z "$4" ] || printf %b "$4" >"$d/$1.s"
jobs >/dev/null
set -m; ( set +m; pW "$1" "$2" "$3" ) </dev/null >/dev/null & set +m
echo $! >"$d/$1.group"
fi
o pb "$1"
}
pI() {
pa=-1; [ -f "$d/$1.k" ] && read -r pa <"$d/$1.k"
if [ "$2" -gt "$pa" ]; then
[ -z "$4" ] || printf %b "$4" >"$d/$3"
echo "$2" >"$d/$1.k"
echo "$2 $3" 1<>"$d/$1.c"
fi
o pj "$1" "$2"
}
pZ() { [ -p "$d/$1.c" ] && echo end 1<>"$d/$1.c"; o pe "$1"; }
pA() { [ -p "$d/$1.$2.a" ] && echo "$3" 1<>"$d/$1.$2.a"; }
pK() {
pa= pb=0; [ -f "$d/$1.l" ] && read -r pa pb <"$d/$1.l"
if [ "$2" != "$pa" ]; then
read -r pa pa pa pb <"$d/$1.v.q"
pb=0; kill -$3 $4$pa && pb=1
echo "$2 $pb" >"$d/$1.l"
fi
o pk "$1" "$2" "$pb"
}
pM() {
[ -r /proc/self/stat ] || return 0
for pf in /proc/[0-9]*/stat; do
IFS= read -r pb <"$pf" || continue
set -- @{pb##*) }
[ "$3" = "$pa" ] && [ "$1" != Z ] && [ "$1" != X ] && return 0
done
return 1
}
pL() { read -r pa pa pa pb <"$d/$1.v.q"; pb=0; kill -0 -$pa && pM && pb=1 || pb=0; o pl "$1" "$2" "$pb"; }
pY() { : >"$d/$1.u"; o py "$1"; }
pD() {
[ -z "$2" ] || { read -r pa <"$d/$1.group" && kill -KILL -$pa; }
F "$1"
}
pE() { echo "$*" 1<>"$d/ev"; }
pH() {
pi=$1; shift
for pa; do
if [ -f "$d/$pa.group" ]; then
for pf in "$d/$pa".*.q; do
[ -f "$pf" ] && read -r pb <"$pf" && case $pb in d*) o pq @{pb#d };; *) o $pb;; esac
done
else o pu "$pa"; fi
done
o ph "$pi"
}
E() {
kill -KILL -$pp
pa=
for pf in "$d"/*.group; do
pb=@{pf%.group}
[ -f "$pb.v.q" ] && [ ! -f "$pb.u" ] && read -r pi pi pi pb <"$pb.v.q" && kill -TERM -$pi && pa="$pa $pi"
done
[ -z "$pa" ] || sleep 1
for pf in $pa; do kill -KILL -$pf; done
for pf in "$d"/*.group; do [ -f "$pf" ] && read -r pa <"$pf" && kill -KILL -$pa; done
}
if mkfifo "$d/ev"; then
set -m; pU </dev/null & set +m
pp=$!
fi
`

/** The text of it, for a shell that runs the program. */
export const source = shellText(program)

/** What is asked when it is loaded: whether there are named pipes. */
export const ready = 'if [ -p "$d/ev" ]; then o pp fifo; else o pp none; fi'
