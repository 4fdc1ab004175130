/** Scripts that put bytes into files. */
import type { FileSystem } from "effect"
import { sumFunction } from "../checksum.ts"
import { exitOf } from "../failure.ts"
import type { ShellTools } from "../../ShellTools.ts"
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

/** Looks at a path that is to be written, before anything is: `$n` is 1 where there is no such file yet. */
const admit = (access: Access): string => `${access.exclusive ? '! is "$1" || exists\n' : ""}n=1
if [ -e "$1" ]; then
n=
[ ! -d "$1" ] || isdir
${access.writes ? '[ -w "$1" ] || denied\n' : ""}${access.reads ? '[ -r "$1" ] || denied\n' : ""}${
  access.creates ? "" : 'else why "$1"\n'
}fi
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

/** `open PATH MODE NOFOLLOW`: makes or empties the file as the flag says, and prints who it is. */
export const open = (tools: ShellTools, access: Access): string => `${create(access)}
if [ -n "$3" ] && [ -L "$1" ]; then no ${exitOf("ELOOP")} "Too many levels of symbolic links"; fi
${admit(access)}
${access.creates ? '[ -z "$n" ] || create "$1" "$2"\n' : ""}${
  access.truncates ? '[ -n "$n" ] || e=$(exec 2>&1; : >"$1") || f\n' : ""
}${identity(tools)}exit 0
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

/** `sink PATH MODE`: the standard input into a file, from its beginning to its end; prints how long it is then. */
export const sink = (tools: ShellTools, access: Access): string => `${create(access)}${size(tools)}
${admit(access)}
[ -z "$n" ] || ${access.creates ? 'create "$1" "$2"' : ":"}
e=$(cat 2>&1 ${redirect(access)}"$1") || f
${access.truncates ? '[ ! -f "$1" ] || size "$1"\n' : ""}exit 0
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
if [ -z "$n" ] && { [ ! -f "$p" ] || [ ! -w "$d" ]; }; then
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
  if (access.truncates) return `if [ -n "$n" ]; then ${fresh}else ${existing}fi\n`
  return `${access.creates ? '[ -z "$n" ] || create "$p" "$2"\n' : ""}into\n`
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
