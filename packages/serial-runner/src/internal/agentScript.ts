/**
 * The program that answers on the machine's side of the console while commands are run: a loop in `/bin/sh`, typed in once
 * and gone with its owner. It needs a POSIX shell, `dd`, and `cksum` or `md5sum`, and uses `setsid` and `stty` where they are.
 *
 * A request is one line, `LENGTH:CALL`, and CALL is run only when it has that length: a key that somebody pressed in the
 * middle of it makes it another one. An answer is one line, `@NONCE FIELDS|FIELDS`: what was damaged on the way differs
 * from its copy. The nonce is on no command line and in no environment, so that nothing that runs can print an answer.
 */

/** Longest request line: a terminal takes 4095 bytes, its end included. */
export const maxLine = 3800

/** Bytes of the blocks in which output is read. */
export const blockBytes = 4096

/**
 * Calls: `T seq cwd script` runs in text mode, with the terminal as its output; `C seq cwd input script` in checked mode,
 * with files as its output, whose beginning is sent at its end; `G seq stream block count` sends blocks of such a file, and
 * `Z seq stream` its size; `S seq index text` keeps a part of a script and `J seq count` joins them; `Y seq text` asks
 * whether the shell can parse it, the joined one when it is empty; `K seq signal` signals the process group; `Q seq` tells
 * how it stands; `F seq` forgets it; `P seq` answers. A sequence number that was seen before is never run again.
 */
const program = String.raw`
umask 077
for d in "@{TMPDIR:-/tmp}" /dev/shm /var/tmp "$HOME"; do mkdir "$d/.toehold-$i" 2>/dev/null && break; done
d=$d/.toehold-$i
z=@{LC_ALL-}
LC_ALL=C
e=
command -v setsid >/dev/null 2>&1 && e=setsid
c=cksum
command -v cksum >/dev/null 2>&1 || c=md5sum
l=0
q='
'
o() { printf '\n@%s %s|%s\n' "$n" "$*" "$*"; }
trap : INT QUIT
trap 'o x; cd /; rm -rf "$d"; stty "$s" 2>/dev/null' EXIT
trap exit HUP TERM
N() { if [ "$1" -le "$l" ]; then Q "$1"; return 1; fi; l=$1; }
B() {
trap - INT QUIT EXIT HUP TERM
if [ -n "$z" ]; then LC_ALL=$z; else unset LC_ALL; fi
[ -z "$2" ] || cd "$2" 2>"$d/$1.c" || { read -r m <"$d/$1.c"; echo 1 >"$d/$1.r"; o c "$1" "$m"; exit; }
o b "$1"
}
V() {
x="exec 2>&3 3>&-;echo \@$\@$ >$d/$1.p;$2"
if [ -n "$e" ]; then setsid /bin/sh -c "$x"; else set -m; /bin/sh -c "$x" & wait $!; fi
echo $? >"$d/$1.r"
}
T() { N "$1" || return; set -m; ( set +m; B "$1" "$2"; V "$1" "$3" </dev/null 3>&1; Q "$1" ) 2>/dev/null & set +m; }
C() { N "$1" || return; set -m; ( set +m; B "$1" "$2"; V "$1" "$4" <"$3" >"$d/$1.o" 3>"$d/$1.e"; Q "$1"; G "$1" o 0 16; G "$1" e 0 16 ) 2>/dev/null & set +m; }
S() { printf %b "$3" >"$d/$1.s.$2"; o s "$1" "$2"; }
J() { j=0; while [ $j -lt "$2" ]; do cat "$d/$1.s.$j"; j=$((j+1)); done >"$d/$1.s"; o j "$1" $($c <"$d/$1.s"); }
Y() { if [ -n "$2" ]; then /bin/sh -n -c "$2" 2>"$d/y"; else /bin/sh -n "$d/$1.s" 2>"$d/y"; fi; k=$?; m=; read -r m <"$d/y"; o y "$1" "$k" "$m"; }
G() {
if [ -s "$d/$1.$2" ]; then
dd if="$d/$1.$2" bs=4096 skip="$3" count="$4" of="$d/$1.g$2" 2>/dev/null
o d "$1" "$2" "$3" $($c <"$d/$1.g$2")
cat "$d/$1.g$2"
else o d "$1" "$2" "$3" 4294967295; fi
printf '\n@%s .\n' "$n"
}
Z() { o z "$1" "$2" $(wc -c <"$d/$1.$2"); }
K() { read -r p <"$d/$1.p" && kill -"$2" -"$p" 2>/dev/null && o k "$1" 1 || o k "$1" 0; }
Q() { if [ -f "$d/$1.r" ]; then read -r k <"$d/$1.r"; o e "$1" "$k"; elif [ "$1" -le "$l" ]; then o r "$1"; else o u "$1"; fi; }
P() { o p "$1"; }
F() { rm -f "$d/$1".*; o f "$1"; }
b=none
read -r b </proc/sys/kernel/random/boot_id 2>/dev/null
o a "$$" "$(id -u)" "$b" "@{e:-none}" "$d"
while :; do
IFS= read -r x || { [ $? -gt 128 ] && continue; break; }
[ -n "$x" ] || continue
y=@{x#*:}
if [ "@{x%%:*}" = "@{#y}" ]; then eval "$y"; else o n; fi
done
`

/** A template's own signs stand for the shell's. */
const source = program.trim().replaceAll("@{", "${").replaceAll("\\@$", "\\$$")

/** What `printf %b` turns back into the text, on one line and in letters that no terminal takes as a command. */
export const percentB = (text: string): string => {
  let out = ""
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte)
    out += /[\x20-\x26\x28-\x5b\x5d-\x7e]/.test(char) ? char : `\\0${byte.toString(8).padStart(3, "0")}`
  }
  return out
}

/** The line that is typed at a prompt of whatever shell: it waits for the program on its standard input. */
export const starter = (id: string): string =>
  ` /bin/sh -c 's=$(stty -g 2>/dev/null);stty -echo -opost icanon isig 2>/dev/null;echo "@""${id} go";p=;` +
  `while IFS= read -r a;do case $a in .*)break;;esac;p=$p$a;done;` +
  `if [ "$a" = ".@{#p}" ];then eval "$(printf %b "$p")";else stty "$s";echo "@""${id} bad";fi'\n`.replace("@{", "${")

/** What the {@link starter} waits for. */
export const programLines = (id: string, nonce: string): string => {
  // A line that begins with a dot ends it.
  const text = percentB(`i=${id};n=${nonce}\n${source}`).replaceAll(".", "\\0056")
  const lines: Array<string> = []
  for (let at = 0; at < text.length; at += 1000) lines.push(text.slice(at, at + 1000))
  return `${lines.join("\n")}\n.${text.length}\n`
}

/** One argument of a call. */
export const quoted = (text: string): string => {
  if (/[^\x20-\x7e\n]/.test(text)) return `"$(printf %b '${percentB(text)}')"`
  return `'${text.replaceAll("'", `'\\''`).replaceAll("\n", `'"$q"'`)}'`
}

/** A call as the line that the program takes. */
export const requestLine = (call: string, ...args: ReadonlyArray<string | number>): string => {
  const text = [call, ...args.map((arg) => (typeof arg === "number" ? String(arg) : quoted(arg)))].join(" ")
  return `${text.length}:${text}\n`
}
