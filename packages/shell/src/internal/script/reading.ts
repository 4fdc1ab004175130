/** Scripts that change nothing. */
import { exitOf } from "../failure.ts"
import type { ShellTools } from "../../ShellTools.ts"
import { parent } from "./prelude.ts"

/** `access PATH READABLE WRITABLE` */
export const access = `[ -e "$1" ] || why "$1"
[ -z "$2" ] || [ -r "$1" ] || denied
[ -z "$3" ] || [ -w "$1" ] || denied
`

const gnuFormat = "%f|%s|%d|%i|%h|%u|%g|%b|%B|%o|%t|%T|%x|%y|%w"
const bsdFormat = "%Xp|%z|%d|%i|%l|%u|%g|%b|512|%k|%Hr|%Lr|%Fa|%Fm|%FB"

/** What `stat` prints; or the date of today and what `ls` prints, then again with the time of the last access. `statFollow PATH`, `statLink PATH`. */
export const stat = (tools: ShellTools, follow: boolean): string => {
  const link = follow ? "L" : ""
  switch (tools.stat) {
    case "gnu":
      return `try stat -${link}c '${gnuFormat}' "$1"\n`
    case "bsd":
      return `try stat -${link}f '${bsdFormat}' "$1"\n`
    case "ls":
      return `${follow ? '[ -e "$1" ] || why "$1"' : 'is "$1" || whyl "$1"'}
date -u +%Y-%m-%d 2>/dev/null || echo
try ls -ldin${link} "$1"
printf '\\000'; try ls -ldinu${link} "$1"
`
  }
}

/** `same PATH IDENTITY`: fails when the path leads to another file than when `identity` was printed. */
export const same = (tools: ShellTools): string => {
  const print = identityCommand(tools)
  if (print === undefined) return "same() { :; }\n"
  return `same() { [ "$(${print} "$1" 2>/dev/null)" = "$2" ] || no ${exitOf("ESTALE")} "Another file"; }\n`
}

const identityCommand = (tools: ShellTools): string | undefined =>
  tools.stat === "gnu" ? "stat -Lc %d:%i" : tools.stat === "bsd" ? "stat -Lf %d:%i" : undefined

/** Prints who a file is, for {@link same}; nothing where nobody can tell. */
export const identity = (tools: ShellTools): string => {
  const print = identityCommand(tools)
  return print === undefined ? ":" : `${print} "$1" 2>/dev/null`
}

/** `size PATH`: prints how long a file is. */
export const size = (tools: ShellTools): string =>
  tools.stat === "ls"
    ? 'size() { set -- $(ls -ldnL "$1"); echo "$5"; }\n'
    : `size() { stat ${tools.stat === "gnu" ? "-Lc %s" : "-Lf %z"} "$1"; }\n`

/**
 * `seekTo BLOCKS REST`: moves the offset that a descriptor shares with whoever uses it next. Each `dd` moves nothing but
 * the offset; one of a single large block would take as much memory.
 */
export const seek = (side: "in" | "out"): string => {
  const dd = (block: string, count: string): string =>
    side === "in"
      ? `dd bs=${block} skip=${count} count=0 of=/dev/null 2>/dev/null`
      : `dd bs=${block} seek=${count} count=0 if=/dev/null conv=notrunc 2>/dev/null`
  const failed = `{ echo "dd could not move the offset" >&2; exit 1; }`
  return `seekTo() {
[ "$1" = 0 ] || ${dd("65536", '"$1"')} || ${failed}
[ "$2" = 0 ] || ${dd('"$2"', "1")} || ${failed}
}
`
}

/** `read PATH IDENTITY BLOCKS REST LENGTH`: LENGTH bytes, or all that follow where it is empty. */
export const read = (tools: ShellTools): string => `${same(tools)}${seek("in")}
[ -e "$1" ] || why "$1"
[ ! -d "$1" ] || isdir
[ -r "$1" ] || denied
[ -z "$2" ] || same "$1" "$2"
some() { ${
  tools.head
    ? 'exec head -c "$1"'
    : '[ "$1" -lt 65536 ] || dd bs=65536 count=$(($1/65536)) 2>/dev/null || return; [ $(($1%65536)) = 0 ] || dd bs=$(($1%65536)) count=1 2>/dev/null'
}; }
if [ "$3$4$5" = 00 ]; then try cat "$1"; exit 0; fi
e=$(exec 2>&1; exec >&3 3>&-; exec <"$1" || exit; seekTo "$3" "$4"; if [ -z "$5" ]; then exec cat; else some "$5"; fi) || f
exit 0
`

/** `target PATH`: what a link says, as `$l`, to the last newline. */
export const target = (tools: ShellTools): string =>
  tools.readlink
    ? `target() { l=$(readlink "$1" && echo x) || { e=; f; }; l=\${l%??}; }\n`
    : `target() { l=$(ls -ld "$1" && echo x) || { e=; f; }; l=\${l%??}; l=\${l#*"$1 -> "}; }\n`

/** `follow PATH`: where links lead to in the end, as `$p`; it need not exist. */
export const follow = (tools: ShellTools): string => `${target(tools)}${parent}
follow() {
p=$1 hops=0
while [ -L "$p" ]; do
hops=$((hops+1)); [ $hops -le 40 ] || no ${exitOf("ELOOP")} "Too many levels of symbolic links"
target "$p"
case $l in /*) p=$l;; *) parent "$p"; p=$d/$l;; esac
done
}
`

export const readLink = (tools: ShellTools): string => `${target(tools)}
is "$1" || whyl "$1"
[ -L "$1" ] || no ${exitOf("EINVAL")} "Invalid argument"
target "$1"; printf '%s' "$l"
`

export const realPath = (tools: ShellTools): string => `${follow(tools)}
[ -e "$1" ] || why "$1"
follow "$1"
if [ -d "$p" ]; then cd -P "$p" 2>/dev/null || denied; r=$(pwd -P; echo x); r=\${r%??}
else parent "$p"; b=\${p##*/}; cd -P "$d" 2>/dev/null || denied; r=$(pwd -P; echo x); r=\${r%??}; r=\${r%/}/$b; fi
printf '%s' "$r"
`

const kind = `kind() {
if [ -L "$1" ]; then k=l; elif [ -d "$1" ]; then k=d; elif [ -f "$1" ]; then k=-; elif [ -p "$1" ]; then k=p
elif [ -S "$1" ]; then k=s; elif [ -b "$1" ]; then k=b; elif [ -c "$1" ]; then k=c; else k=u; fi
}
`

/** Into a folder, for names that are relative to it. */
const enter = `[ -e "$1" ] || why "$1"
[ -d "$1" ] || notdir
[ -r "$1" ] || denied
cd "$1" 2>/dev/null || denied
`

/** `list PATH RECURSIVE`: the kind of each entry and its name, with a NUL after it. */
export const list = `${kind}${enter}R=$2
list() {
for i in "$1"* "$1".[!.]* "$1"..?*; do
is "$i" || continue
kind "$i"; printf '%s\\000' "$k$i"
if [ -n "$R" ] && [ $k = d ]; then [ -r "$i" ] && [ -x "$i" ] || denied; list "$i/"; fi
done
}
list ""; exit 0
`

/**
 * `snapshot PATH RECURSIVE`: names with a NUL after each, an empty name, as many lines on what they are like, a NUL, and
 * so on; the entries of a folder, or one file.
 */
export const snapshot = (tools: ShellTools): string => {
  const [many, one] = {
    gnu: ["stat -c '%d:%i:%f:%s:%y:%z'", "stat -c '%d:%i:%f:%s:%y:%z'"],
    bsd: ["stat -f '%d:%i:%p:%z:%Fm:%Fc'", "stat -f '%d:%i:%p:%z:%Fm:%Fc'"],
    ls: ["false", "ls -ldin"]
  }[tools.stat] as [string, string] // one line a kind, above
  return `R=$2
show() {
if r=$(${many} "$@" 2>/dev/null); then printf '%s\\000' "$@"; printf '\\000%s\\000' "$r"
else for j in "$@"; do r=$(${one} "$j" 2>/dev/null) && { r=\${r%%
*}; printf '%s\\000\\000%s\\000' "$j" "$r"; }; done; fi
}
all() {
z=1
for i in "$@"; do
[ $z = 0 ] || { set --; z=0; }
is "$i" || continue
set -- "$@" "$i"
[ $# -lt 200 ] || { show "$@"; set --; }
done
[ $z = 1 ] || [ $# = 0 ] || show "$@"
}
walk() {
all "$1"* "$1".[!.]* "$1"..?*
[ -n "$R" ] || return 0
for i in "$1"* "$1".[!.]* "$1"..?*; do ! dir "$i" || walk "$i/"; done
}
if [ -d "$1" ]; then
${enter}walk ""
else is "$1" || whyl "$1"; r=$(${one} "$1") || f; printf '.\\000\\000%s\\000' "\${r%%
*}"; fi
exit 0
`
}
