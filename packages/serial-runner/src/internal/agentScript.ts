/**
 * The program that answers on the machine's side of the console while commands are run: a loop in `/bin/sh`, typed in once
 * and gone with its owner. It needs a POSIX shell, `mkfifo`, `dd`, and `cksum` or `md5sum`, and uses `setsid`, `stty` and
 * `head -c` where they are.
 *
 * A request is two lines, `: 1 LENGTH CALL` and `: 2 LENGTH CALL`, and CALL is run only when both are the same and have that
 * length: a byte that was lost, and a key that somebody pressed in the middle of it, make it another one. To a shell's own
 * prompt such lines mean nothing. An answer is one line, `@NONCE LENGTH FIELDS|FIELDS`: what was damaged on the way differs
 * from its copy or its length. It is a single line because a shell may write each line by itself, and those of several would
 * mix. The nonce is on no command line and in no environment, and no command runs in a shell that
 * knows it, so that nothing that runs can print an answer.
 */

/** Longest request line: a terminal takes 4095 bytes, its end included. */
export const maxLine = 3800

/** Bytes of the blocks in which output is read: so little comes whole at last on the worst of lines. */
export const blockBytes = 512

/** Longest output that is sent by itself at a command's end. */
export const firstBytes = 65_536

/** Blocks that are read at once where a piece begins and ends at them: `dd` is slow with small ones. */
export const largeBlocks = 128

/**
 * The worker: a shell in a session of its own, which waits for a command. A plain one runs in a copy of it, and the worker
 * takes the next; any other has it for itself. What it tells goes to its keeper: `b SEQ`, `e SEQ CODE SIZE SIZE`.
 *
 * The text is parsed before anything of it runs: as the body of an `if` and of a loop, so that it can't end both.
 */
const worker = String.raw`
d=$1;u=$2;m=$3;q="
"
while IFS= read -r x <&7;do eval "set -- $x";x=
[ "$6" != s ]||set -- "$1" "$2" "$3" "$4" "$(cat "$d/$2.s")"
echo "b $2" >&8
if [ "$6" = p ]&&{ [ -z "$3" ]||{ [ -d "$3" ]&&[ -x "$3" ];};};then
echo $$ >"$m/$2.p"
if [ "$1" = C ];then exec 5>"$d/$2.o" 6>"$d/$2.e";else exec 5>&1 6>&2;fi
( umask $u;[ -z "$3" ]||CDPATH= cd -- "$3"||exit;exec <"$4" >&5 2>&6 5>&- 6>&- 7<&- 8>&-;eval "unset d u m q x;set --;$5" )
k=$?;a=;b=
if [ "$1" = C ];then read -r x a </proc/self/fdinfo/5;read -r x b </proc/self/fdinfo/6;fi 2>/dev/null
exec 5>&- 6>&-
echo "e $2 $k $a $b" >&8
continue
fi
{ eval "if false;then $5
:
fi"&&eval "while false;do $5
:
done"&&{ [ -z "$3" ]||CDPATH= cd -- "$3" >/dev/null||exit 125;};} 2>"$m/$2.c"||exit 2
echo $$ >"$m/$2.p"
exec <"$4"
[ "$1" = T ]||exec >"$d/$2.o" 2>"$d/$2.e"
umask $u
x=go
break
done
exec 7<&- 8>&-
[ -n "$x" ]||exit 0
eval "unset d u m q x;set --;$5"
exit`

/**
 * Calls: `T seq cwd input script kind` runs in text mode, with the terminal as its output; `C`, with the same words, in
 * checked mode, with files as its output, which are sent at its end where they are short (kinds: `p` for a plain command, `s`
 * for one that was staged); `G seq stream block count` sends blocks of such a file as it is now, `V seq stream block count n`
 * n pieces of so many blocks of one that stays as it is, and `Z seq stream` says its size; `S seq index text`
 * keeps a part of a file, and `J seq count` joins them; `I id name length sums over` makes the terminal ready for a file that
 * comes as it is, which ends when it is all there or nothing came for two seconds: where it is not what was sent, everything
 * up to a line that only the sender knows, or to two more seconds of silence, is what is left of it; `K seq signal` signals
 * the process group, all of the session and all descendants; `Q seq` tells how it stands; `F seq` forgets it; `P seq`
 * answers; `E` is what is to be done first at the end. A number that was seen before is never run again. An empty line is
 * answered: it can be sent to anybody.
 */
const program = String.raw`
exec 2>/dev/null
u=$(umask)
umask 077
for d in "@{TMPDIR:-/tmp}" /dev/shm /var/tmp "$HOME"; do mkdir "$d/.toehold-$i" && break; done
d=$d/.toehold-$i
M=$d
[ -d /dev/shm ] && mkdir "/dev/shm/.toehold-$i" && M=/dev/shm/.toehold-$i
z=@{LC_ALL-}
LC_ALL=C
e=
command -v setsid >/dev/null && e=setsid
c=cksum
command -v cksum >/dev/null || c=md5sum
r=$(stty -g)
R=none
[ -n "$r" ] && [ "$(echo ab|head -c 1)" = a ] && R=raw
q='
'
l=0 v=' ' t= T=0 j= g=
exec 9>&1
o() { O=$*; printf '@%s %s %s|%s\n' "$n" "@{#O}" "$O" "$O"; }
E() { :; }
D() { trap : HUP TERM; E; for p in "$M"/*.p; do [ -f "@{p%p}r" ] || { read -r p <"$p" && kill -9 -"$p"; }; done; cd /; rm -rf "$d" "$M"; stty "$s"; }
trap : INT QUIT
trap 'D; o x' EXIT
trap exit HUP TERM
N() {
while [ "$l" -lt "$1" ]; do l=$((l+1)); v="$v$l "; done
case $v in *" $1 "*) v="@{v%% $1 *} @{v#* $1 }";; *) Q "$1"; return 1;; esac
}
A() {
g=0
while [ -e "$M/x$g" ] && ! [ -s "$M/x$g" ]; do g=$((g+1)); done
[ -e "$M/x$g" ] || mkfifo "$M/f$g" || mknod "$M/f$g" p
: >"$M/x$g"
exec 7>&-
exec 7<>"$M/f$g"
set -m
{ exec 6<"$M/f$g" 7>&-; ( if [ -n "$z" ]; then LC_ALL=$z; else unset LC_ALL; fi; exec 7<&6 6<&- 8>&1 >&9 2>&9 9>&- </dev/null; exec $e /bin/sh -c "$w" sh "$d" "$u" "$M" ); echo "x $?"; } | B "$g" &
set +m
j=
}
B() {
exec 7>&-
trap - INT QUIT EXIT HUP TERM
s=
while read -r a b k f h; do
case $a in
b) s=$b; continue;;
x) echo 1 >"$M/x$1"; [ -n "$s" ] || break
k=$b b=$s
if ! [ -f "$M/$b.p" ] && [ -s "$M/$b.c" ]; then
m= a=y; read -r m <"$M/$b.c"; [ "$k" = 125 ] && a=c
m=$(printf %.900s "$m")
printf '%s\n' "$a $m" >"$M/$b.r"; o "$a" "$b" "$m"; break
fi;;
esac
s=
W "$b" o "$f"; f=@{y:-?}
W "$b" e "$h"; h=@{y:-?}
echo "e $k $f $h" >"$M/$b.r"
o e "$b" "$k" "$f" "$h"
L "$b" o "$f"
L "$b" e "$h"
done
}
W() {
y=0
[ -s "$d/$1.$2" ] || return
y=$3
[ -n "$y" ] || { wc -c <"$d/$1.$2" >"$M/$1.w"; read -r y <"$M/$1.w"; }
}
L() {
case $3 in 0) return;; [1-9]|[1-9]?|[1-9]??)
m= a=
while IFS= read -r a; do m=$m$a$q; done <"$d/$1.$2"
m=$m$a
if [ "@{#m}" = "$3" ]; then o t "$1" "$2" "$3"; printf '%s%s\n@%s .\n' "$m" "$m" "$n"; return; fi;;
esac
[ "$3" -gt ${firstBytes} ] || { o d "$1" "$2" 0 $($c <"$d/$1.$2"); cat "$d/$1.$2"; printf '\n@%s .\n' "$n"; }
}
U() {
N "$1" || return 0
jobs >/dev/null
[ -n "$g" ] && { [ -z "$j" ] || [ -f "$M/$j.r" ]; } && ! [ -s "$M/x$g" ] || A
o b "$1"
printf '%s\n' "$x" >&7
j=$1
[ "$5" = p ] || A
}
T() { U "$@"; }
C() { U "$@"; }
S() { printf %b "$3" >"$d/$1.s.$2"; o s "$1" "$2"; }
I() {
if [ "$1" -gt "@{N:-0}" ]; then
N=$1 Y=0
stty raw -echo min 0 time 20
o w "$1"
head -c "$3" >"$d/$2"
a=$($c <"$d/$2")
case " $4 " in *" @{a%% *} "*) Y=1;; *) o i "$1" 0; while IFS= read -r a && [ "$a" != "$5" ]; do :; done;; esac
stty "$r"
fi
o i "$1" "$Y"
}
J() { a=0; while [ $a -lt "$2" ]; do cat "$d/$1.s.$a"; a=$((a+1)); done >"$d/$1.s"; o j "$1" $($c <"$d/$1.s"); }
G() {
y=$d/$1.g$2
: >"$y"
dd if="$d/$1.$2" bs=${blockBytes} skip="$3" count="$4" of="$y"
$c <"$y" >"$y.c"
read -r a b <"$y.c"
o d "$1" "$2" "$3" "$a"
cat "$y"
printf '\n@%s .\n' "$n"
}
V() {
a=$3 b=$4 y=${blockBytes}
[ $((($3|$4)%${largeBlocks})) != 0 ] || y=$((${blockBytes}*${largeBlocks})) a=$((a/${largeBlocks})) b=$((b/${largeBlocks}))
k=$a m=$5
while [ "$m" -gt 0 ]; do dd if="$d/$1.$2" bs=$y skip=$k count=$b | $c; k=$((k+b)) m=$((m-1)); done |
while read -r h f; do
o d "$1" "$2" $((a*y/${blockBytes})) "$h"
dd if="$d/$1.$2" bs=$y skip=$a count=$b
printf '\n@%s .\n' "$n"
a=$((a+b))
done
}
Z() { o z "$1" "$2" $(wc -c <"$d/$1.$2"); }
K() {
k=0
if read -r p <"$M/$1.p"; then
a="$p " b=
[ ! -f "$M/$1.k" ] || read -r a <"$M/$1.k"
for f in /proc/[0-9]*/stat; do
read -r h <"$f" || continue
f=@{f#/proc/} f=@{f%/stat}
set -- "$1" "$2" @{h##*) }
[ "$6" = "$p" ] && a="$a $f "
b="$b $4:$f"
done
h=
while [ "$h" != "$a" ]; do h=$a
for f in $b; do case " $a" in *" @{f#*:} "*) ;; *" @{f%:*} "*) a="$a@{f#*:} ";; esac; done
done
echo "$a " >"$M/$1.k"
kill -"$2" -"$p"
for f in $a; do kill -"$2" "$f" && k=$((k+1)); done
fi
o k "$1" "$k"
}
Q() {
if [ -f "$M/$1.r" ]; then read -r k m <"$M/$1.r"; o "$k" "$1" "$m"
else
case $v in *" $1 "*) o u "$1"; return;; esac
if [ "$1" -gt "$l" ] || { [ "$1" = "$j" ] && [ -s "$M/x$g" ]; }; then o u "$1"; else o r "$1"; fi
fi
}
P() { o p "$1"; }
F() {
[ -f "$d/$1.o" ] && : >"$d/$1.o" && : >"$d/$1.e"
[ "$1" = "$j" ] && j=
t="$t $1" T=$((T+1))
if [ $T -gt 60 ]; then
set --
for a in $t; do set -- "$@" "$d/$a".* "$M/$a".*; done
rm -f "$@"
t= T=0
fi
}
b=none
read -r b </proc/sys/kernel/random/boot_id
E="a $$ $(id -u) $b @{e:-none} $R $d"
A
o "$E"
y=
while :; do
IFS= read -r x || { [ $? -gt 128 ] && continue; break; }
case $x in
": 1 "*) y=@{x#: 1 };;
": 2 $y") x=@{y#* }; if [ "@{y%% *}" = "@{#x}" ]; then y=; eval "$x"; else y=; o n; fi;;
": 2 "*) y=; o n;;
" /bin/sh -c "*) trap - EXIT; exec 7>&-; D; eval "$x"; exit;;
"") o h;;
exit) exit;;
".run") o "$E";;
esac
done
`

/** The shell's own quotes, which a template can't hold as they are. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** A template's own signs stand for the shell's. */
export const shellText = (template: string): string => template.trim().replaceAll("@{", "${")

const source = `w=${shellQuoted(worker.trim())}\n${shellText(program)}`

/** What `printf %b` turns back into the text, on one line and in letters that no terminal takes as a command. */
export const percentB = (text: string): string => percentBytes(new TextEncoder().encode(text))

/** Bytes in that form. */
export const percentBytes = (bytes: Uint8Array): string => {
  let out = ""
  for (const byte of bytes) {
    const char = String.fromCharCode(byte)
    out += /[\x20-\x26\x28-\x5b\x5d-\x7e]/.test(char) ? char : `\\0${byte.toString(8).padStart(3, "0")}`
  }
  return out
}

/**
 * The line that is typed at a prompt of whatever shell: it takes the program on its standard input, and runs it when its
 * checksum is right. It is short enough for a BusyBox that edits its lines. From then on no key ends anything; a person
 * whose console was left behind by a program that died has it again after `exit`.
 */
export const starter = (id: string): string =>
  ` /bin/sh -c 's=$(stty -g 2>/dev/null);trap "stty $s 2>/dev/null" EXIT;trap exit INT HUP;` +
  `stty -echo -opost -tostop -ixon icanon -isig icrnl 2>/dev/null;stty eof undef 2>/dev/null;echo "@""${id} go";` +
  `P=;p=;q=$(printf "\\n.");q=\${q%.};while IFS= read -r a;do case $a in " /bin/sh -c "*)eval "$a";exit;;.)exit;;.run)eval "$P";exit;;.*)` +
  `k=$(printf %s "$p"|(cksum||md5sum)2>/dev/null);k=\${k%% *};` +
  `case "$a " in ". \${#P} $k "*|". \${#P} "*" $k ")P=$P$p;k=ok;;*)k=bad;;esac;` +
  `p=;echo "@""${id} $k \${#P} $k \${#P}";;*)p=$p$a$q;;esac;done'\n`

/** The program, as whole lines, none of which begins with a dot. */
export const programText = (id: string, nonce: string): string => `i=${id};n=${nonce}\n${source}\n`

/** A part of the program that begins `at` so many characters, with what makes sure that it comes whole. */
export const partLines = (
  part: string,
  at: number,
  sums: (text: string) => readonly [cksum: string, md5: string]
): string => `${part}. ${at} ${sums(part).join(" ")}\n`

/** A part that is none: the {@link starter} says how far it is. */
export const askHowFar = "\n. x\n"

/** Runs what came. */
export const runLine = ".run\n"

/** One argument of a call. */
export const quoted = (text: string): string => {
  if (/[^\x20-\x7e\n]/.test(text)) return `"$(printf %b '${percentB(text)}')"`
  return `'${text.replaceAll("'", `'\\''`).replaceAll("\n", `'"$q"'`)}'`
}

/** A call as the lines that the program takes. */
export const requestLines = (call: string, ...args: ReadonlyArray<string | number>): string => {
  const text = [call, ...args.map((arg) => (typeof arg === "number" ? String(arg) : quoted(arg)))].join(" ")
  return `: 1 ${text.length} ${text}\n: 2 ${text.length} ${text}\n`
}
