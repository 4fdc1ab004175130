/** Scripts that put bytes into files. */
import type { FileSystem } from "effect"
import { sumFunction } from "../checksum.ts"
import { exitOf } from "../failure.ts"
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

/** `create PATH MODE`: an empty file; one with a mode of its own is nobody else's until it has it. */
const create = (access: Access): string => `mode() { m=$(printf %o $((0$1 & ~0$(umask)))); }
create() {
if [ -n "$2" ]; then
e=$(exec 2>&1; umask 077; ${access.exclusive ? "set -C; : >" : ": >>"}"$1") || f
mode "$2"; try chmod "$m" "$1"
else e=$(exec 2>&1; ${access.exclusive ? "set -C; : >" : ": >>"}"$1") || f; fi
}
`

const redirect = (access: Access): string => (access.appends ? ">>" : access.truncates ? ">" : "1<>")

/**
 * `open PATH MODE NOFOLLOW`: makes or empties the file as the flag says, and keeps it open until the standard input ends.
 * Prints who it is, and the path by which other processes reach what is open, wherever the file itself has gone: one in
 * `/proc`, or the file's own where there is none.
 */
export const open = (tools: ShellTools, access: Access): string => `${parent}${create(access)}
${access.exclusive ? '! is "$1" || exists\n' : ""}if [ -n "$3" ] && [ -L "$1" ]; then no ${exitOf("ELOOP")} "Too many levels of symbolic links"; fi
${admit(access)}
${access.creates ? '[ -z "$new" ] || create "$1" "$2"\n' : ""}${
  access.truncates ? '[ -n "$new" ] || e=$(exec 2>&1; : >"$1") || f\n' : ""
}exec 4${access.reads ? (access.writes ? "<>" : "<") : ">>"}"$1"
id=$(${identity(tools)})
if [ -e /proc/$$/fd/4 ]; then echo "$id /proc/$$/fd/4"; else echo "$id"; fi
read -r x
exit 0
`

/**
 * `write PATH IDENTITY BLOCKS REST`: the standard input into an open file, at an offset or at its end.
 */
export const write = (tools: ShellTools, appends: boolean): string => `${same(tools)}${seek("out")}
[ -e "$1" ] || why "$1"
[ -z "$2" ] || same "$1" "$2"
${appends ? 'e=$(cat 2>&1 >>"$1") || f' : 'e=$(exec 2>&1 3>&-; exec 1<>"$1" || exit; seekTo "$3" "$4"; cat) || f'}
exit 0
`

/**
 * `sink PATH MODE`: the standard input into a file, from its beginning to its end. Prints a line when the file is open, and
 * another with how long it is in the end.
 */
export const sink = (tools: ShellTools, access: Access): string => `${parent}${create(access)}${size(tools)}
${admit(access)}
${access.creates ? '[ -z "$new" ] || create "$1" "$2"\n' : ""}${
  access.truncates ? '[ -n "$new" ] || e=$(exec 2>&1; : >"$1") || f\n' : ""
}echo open
e=$(cat 2>&1 ${redirect(access)}"$1") || f
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
export const writeFile = (
  tools: ShellTools,
  access: Access
): string => `${create(access)}${sumFunction(tools.checksum)}${old(tools)}${follow(tools)}
${admit(access)}
follow "$1"; parent "$p"
into() { e=$(cat "$t" 2>&1 ${redirect(access)}"$p") || f; rm -f "$t"; exit 0; }
wrong() { no ${exitOf("EBADMSG")} "The checksum differs"; }
if [ -z "$new" ] && { [ ! -f "$p" ] || [ ! -w "$d" ]; }; then
e=$(cat 2>&1 ${redirect(access)}"$p") || f
${access.truncates ? '[ ! -f "$p" ] || [ "$(sum <"$p")" = "$4" ] || wrong' : ""}
exit 0
fi
t=$d/$3
trap 'rm -f "$t"; exit 1' HUP INT TERM
e=$(exec 2>&1; set -C; umask 077; : >"$t") || { t=; f; }
e=$(cat 2>&1 >"$t") || f
[ "$(sum <"$t")" = "$4" ] || wrong
${place(access)}exit 0
`

/** The bytes are in `$t` and right; they are for `$p`, with the mode `$2` where that is new. */
const place = (access: Access): string => {
  const existing = `old "$t" && k=$ou && old "$p" && [ "$ol" = 1 ] || into
[ "$k" = "$ou" ] || chown "$ou" "$t" 2>/dev/null || into
chmod "$om" "$t" 2>/dev/null || into
mv -f "$t" "$p" 2>/dev/null || into
`
  const fresh = `mode "\${2:-666}"; try chmod "$m" "$t"; try mv -f "$t" "$p"\n`
  if (access.exclusive) {
    return `mode "\${2:-666}"; try chmod "$m" "$t"
if ln "$t" "$p" 2>/dev/null; then rm -f "$t"; exit 0; fi
create "$p"; try mv -f "$t" "$p"
`
  }
  if (access.truncates) return `if [ -n "$new" ]; then ${fresh}else ${existing}fi\n`
  return `${access.creates ? '[ -z "$new" ] || create "$p" "$2"\n' : ""}into\n`
}

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
