/** Scripts that put bytes into files. */
import type { FileSystem } from "effect"
import { sumFunction } from "../checksum.ts"
import { caseArms, exitOf } from "../failure.ts"
import type { ShellTools } from "../../ShellTools.ts"
import { parent } from "./prelude.ts"
import { follow, identity, same, seek, size } from "./reading.ts"

/** What a flag of `open` asks for. */
export interface Access {
  readonly reads: boolean
  readonly writes: boolean
  readonly appends: boolean
  readonly creates: boolean
  readonly exclusive: boolean
  readonly truncates: boolean
}

export const accessOf = (flag: FileSystem.OpenFlag): Access => ({
  reads: flag.startsWith("r") || flag.endsWith("+"),
  writes: flag !== "r",
  appends: flag.startsWith("a"),
  creates: !flag.startsWith("r"),
  exclusive: flag.includes("x"),
  truncates: flag.startsWith("w")
})

/**
 * Looks at a path that is to be opened, before anything is done to it: `$new` is 1 where there is no such file yet. A
 * folder that is missing is looked at here, because shells have one word for that and for a file in its place.
 */
const admit = (access: Access): string => `${access.exclusive ? '! is "$1" || exists\n' : ""}new=
if [ -e "$1" ]; then
${access.writes ? '[ ! -d "$1" ] || isdir\n[ -w "$1" ] || denied\n' : ""}${access.reads ? '[ -r "$1" ] || denied\n' : ""}:
else
${access.creates ? 'new=1; parent "$1"; [ -d "$d" ] || why "$d/."' : 'why "$1"'}
fi
`

/** `create PATH MODE`: an empty file; one that is to have a mode of its own is nobody else's until `settle PATH MODE`. */
const create = (access: Access): string => `mode() { m=$(printf %o $((0$1 & ~0$(umask)))); }
create() { e=$(exec 2>&1; [ -z "$2" ] || umask 077; ${access.exclusive ? "set -C; : >" : ": >>"}"$1") || f; }
settle() { if [ -n "$2" ]; then mode "$2"; try chmod "$m" "$1"; fi; }
`

const redirect = (access: Access): string =>
  access.appends ? ">>" : access.truncates ? ">" : access.writes ? "<>" : "<"

/**
 * Makes or empties the file as the flag says, and opens it as descriptor 4. What can fail is tried in a subshell first,
 * because a shell ends, or goes on, when `exec` fails. The mode is set last: it may forbid to open the file.
 */
const openAs = (access: Access): string => {
  const empty = access.truncates ? '; else e=$(exec 2>&1; : >"$1") || f' : ""
  const make = access.creates ? `if [ -n "$new" ]; then create "$1" "$2"${empty}; fi\n` : ""
  const settle = access.creates ? '[ -z "$new" ] || settle "$1" "$2"\n' : ""
  return `${admit(access)}${make}exec 4${redirect(access)}"$1" || exit 1\n${settle}`
}

/** `open PATH MODE NOFOLLOW`: the file as descriptor 4 and who it is as `$id`, then `hold` (see {@link holder}). */
export const open = (tools: ShellTools, access: Access): string => `${parent}${create(access)}
${access.exclusive ? '! is "$1" || exists\n' : ""}if [ -n "$3" ] && [ -L "$1" ]; then no ${exitOf("ELOOP")} "Too many levels of symbolic links"; fi
${openAs(access)}id=$(${identity(tools)})
hold
`

/**
 * Holds open files for as long as there is a standard input, one process a file: a shell has but ten descriptors. Each line
 * `oNUMBER SCRIPT` opens one, with what is odd in the script as octal escapes; each `cPID` closes one, and `fPID` forgets one
 * that was not kept open: its number may be another process's by and by. Prints
 * `NUMBER pid PID`, and `NUMBER ok IDENTITY` when it is open and other processes find it in `/proc` wherever the file itself
 * has gone, or `NUMBER path IDENTITY` where they have only its path; or `NUMBER EXIT WORDS` for a failure.
 */
export const holder = `P=" "
hold() {
if [ -e /proc/self/fd/4 ]; then echo "$i ok $id"; else echo "$i path $id"; exit; fi
exec sleep 2147483647 </dev/null >/dev/null 2>&1 3>&-
}
begin() {
f() {
x=$1
[ -n "$x" ] || case $e in
${caseArms}
*) x=99;;
esac
echo "$i $x \${e##*
}"; exit
}
i=$1; eval "$(printf %b "$2")"
}
trap 'kill $P 2>/dev/null; wait; exit 1' HUP INT TERM
while IFS= read -r l; do
case $l in
o*) l=\${l#o}; begin "\${l%% *}" "\${l#* }" </dev/null &
echo "\${l%% *} pid $!"; P="$P$! ";;
[cf]*) p=\${l#?}; case $P in *" $p "*)
P="\${P%%" $p "*} \${P#*" $p "}"
case $l in c*) kill "$p";; esac; wait "$p";;
esac;;
esac 2>/dev/null
done
kill $P 2>/dev/null; wait
exit 0
`

/** A script as one word for {@link holder}. */
export const encode = (script: string): string => {
  let out = ""
  for (const byte of new TextEncoder().encode(script)) {
    const char = String.fromCharCode(byte)
    out += /[A-Za-z0-9_.,:=@%+/-]/.test(char) ? char : `\\0${byte.toString(8).padStart(3, "0")}`
  }
  return out
}

/** Sets the positional parameters. */
export const parameters = (values: ReadonlyArray<string>): string =>
  `set -- ${values.map((value) => `'${value.replaceAll("'", `'\\''`)}'`).join(" ")}\n`

/** The standard input to descriptor 4, from where that stands. */
const pour = "exec 2>&1 >&4 3>&-; exec cat"

/** `write PATH IDENTITY BLOCKS REST`: the standard input into an open file, at an offset or at its end. */
export const write = (tools: ShellTools, appends: boolean): string => `${same(tools)}${seek("out")}
[ -e "$1" ] || why "$1"
[ -w "$1" ] || denied
[ -z "$2" ] || same "$1" "$2"
exec 4${appends ? ">>" : "<>"}"$1" || exit 1
${appends ? "" : 'e=$(exec 2>&1 >&4 3>&-; seekTo "$3" "$4") || f\n'}e=$(${pour}) || f
exit 0
`

/**
 * `sink PATH MODE`: the standard input into a file, from its beginning to its end. Prints a line when the file is open, and
 * another with how long it is in the end.
 */
export const sink = (tools: ShellTools, access: Access): string => `${parent}${create(access)}${size(tools)}
${openAs(access)}echo open
e=$(${pour}) || f
${access.truncates ? 'if [ -f "$1" ]; then size "$1"; else echo -; fi\n' : ""}exit 0
`

/** `old FILE`: its mode, links, owner and group as `$om $ol $ou`; false where nobody can tell. */
const old = (tools: ShellTools): string => {
  if (tools.stat === "ls") return "old() { return 1; }\n"
  const print = tools.stat === "gnu" ? "stat -c '%a %h %u:%g'" : "stat -f '%Lp %l %u:%g'"
  return `old() { set -- $(${print} "$1" 2>/dev/null); om=$1 ol=$2 ou=$3; [ -n "$3" ]; }\n`
}

/**
 * `writeFile PATH MODE TEMPORARY CHECKSUM`: the standard input becomes the file. It arrives in a file beside the one that
 * it is for, is compared with the checksum, and takes the other's place in one step, with its mode and owner. Where that
 * can't be done without changing what the file is (a device, a second name for the file, a folder that can't be written),
 * it goes into the file itself. Appended bytes, and those for `r+`, arrive and are compared before the file is touched.
 */
export const writeFile = (tools: ShellTools, access: Access): string => {
  const { creates, exclusive, truncates } = access
  const checked = truncates ? '[ ! -f "$p" ] || [ "$(sum <"$p")" = "$4" ] || wrong\n' : ""
  return `${create(access)}${sumFunction(tools.checksum)}${old(tools)}${follow(tools)}
over() { exec 4${redirect({ ...access, reads: false })}"$p" || exit 1; e=$(${pour}) || f; }
into() { exec <"$t" || exit 1; over; rm -f "$t"; }
wrong() { no ${exitOf("EBADMSG")} "The checksum differs"; }
${admit({ ...access, reads: false })}follow "$1"; parent "$p"
if [ -z "$new" ] && { [ ! -f "$p" ] || [ ! -w "$d" ]; }; then
over
${checked}exit 0
fi
t=$d/$3
e=$(exec 2>&1; set -C; umask 077; : >"$t") || { t=; f; }
e=$(cat 2>&1 >"$t") || f
[ "$(sum <"$t")" = "$4" ] || wrong
${exclusive ? placeNew : truncates ? place : creates ? append : "into\n"}exit 0
`
}

/** `$t` takes the place of `$p`, or its bytes go into that. */
const place = `swap() {
old "$t" && k=$ou && old "$p" && [ "$ol" = 1 ] || return
[ "$k" = "$ou" ] || chown "$ou" "$t" 2>/dev/null || return
chmod "$om" "$t" 2>/dev/null && mv -f "$t" "$p" 2>/dev/null
}
if [ -n "$new" ]; then mode "\${2:-666}"; try chmod "$m" "$t"; try mv -f "$t" "$p"
else swap || into; fi
`

/** A second name for a file can't be one that there is already; where none can be made, an empty file keeps the place. */
const placeNew = `mode "\${2:-666}"; try chmod "$m" "$t"
if ln "$t" "$p" 2>/dev/null; then rm -f "$t"; else create "$p"; try mv -f "$t" "$p"; fi
`

const append = `if [ -n "$new" ]; then create "$p" "$2"; fi
into
[ -z "$new" ] || settle "$p" "$2"
`

/** `truncate PATH LENGTH IDENTITY` */
export const truncate = (tools: ShellTools): string => `${same(tools)}
[ -e "$1" ] || why "$1"
[ ! -d "$1" ] || isdir
[ -w "$1" ] || denied
[ -z "$3" ] || same "$1" "$3"
try dd if=/dev/null of="$1" bs=1 seek="$2" count=0
exit 0
`

/** `sync PATH`: to the disk, the file alone where the machine can. */
export const sync = `[ -e "$1" ] || why "$1"
sync "$1" 2>/dev/null || try sync
exit 0
`
