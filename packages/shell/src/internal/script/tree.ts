/** Scripts that make, move and remove entries. */
import { exitOf } from "../failure.ts"
import { parent } from "./prelude.ts"

/** `chmod PATH MODE`; a numeric mode of five digits clears the special bits of folders too. */
export const chmod = `try chmod "$2" "$1"\nexit 0\n`

/** `chown PATH OWNER` */
export const chown = `[ -z "$2" ] || try chown "$2" "$1"\n[ -e "$1" ] || why "$1"\nexit 0\n`

/** `link FROM TO` */
export const link = `is "$1" || whyl "$1"
! dir "$1" || no ${exitOf("EPERM")} "Operation not permitted"
! is "$2" || exists
try ln "$1" "$2"
exit 0
`

/** `symlink TARGET PATH` */
export const symlink = `! is "$2" || exists
try ln -s -- "$1" "$2"
exit 0
`

/** `makeDirectory PATH MODE RECURSIVE`: every folder that it makes gets what the umask leaves of the mode. */
export const makeDirectory = `[ -z "$2" ] || umask "$(printf %o $((0777 & ~(0$2 & ~0$(umask)))))"
if [ -n "$3" ]; then [ -d "$1" ] || try mkdir -p "$1"
else ! is "$1" || exists; try mkdir "$1"; fi
exit 0
`

const temporary = `u=$(umask); umask 077
d=$1; [ -n "$d" ] || d=\${TMPDIR:-/tmp}
while :; do case $d in ?*/) d=\${d%/};; *) break;; esac; done
[ "$d" = / ] && d=
try mkdir "$d/$2"
`

/** `makeTempDirectory FOLDER NAME`: prints the path of the new folder. */
export const makeTempDirectory = `${temporary}printf '%s' "$d/$2"\n`

/** `makeTempFile FOLDER NAME FILE`: the same with an empty file in it, which it prints. */
export const makeTempFile = `${temporary}umask "$u"; e=$(exec 2>&1; : >"$d/$2/$3") || f
printf '%s' "$d/$2/$3"
`

/** The exit code of `remove` for a folder that was not to be removed with what it holds. */
export const removeFolderExit = 70

/** `remove PATH RECURSIVE FORCE`. An empty folder need not be readable, which BusyBox's `rm` does not know. */
export const remove = `if ! is "$1"; then
[ -n "$3" ] || whyl "$1"
e=$(ls -d "$1" 2>&1 >/dev/null)
case $e in *"No such file or directory"|*"not found") exit 0;; esac
gone
fi
if dir "$1"; then
[ -n "$2" ] || no ${removeFolderExit} "Is a directory"
e=$(rm -rf "$1" 2>&1) || {
find "$1" -type d -exec rmdir {} + >/dev/null 2>&1
try rm -rf "$1"
}
else try rm -f "$1"; fi
exit 0
`

/** `rename FROM TO`, as rename(2): what stands at the new path is replaced, never entered. */
export const rename = `is "$1" || whyl "$1"
if is "$2" && [ "$1" -ef "$2" ] 2>/dev/null && ! [ -L "$1" ] && ! [ -L "$2" ]; then exit 0; fi
if dir "$1"; then
if is "$2" && ! dir "$2"; then notdir; fi
elif dir "$2"; then isdir; fi
e=$(mv -fT "$1" "$2" 2>&1) && exit 0
case $e in *nrecognized*|*nvalid*option*|*llegal*option*|*sage:*) ;; *"subdirectory of itself"*) no ${exitOf("EINVAL")} "$e";; *) f;; esac
if dir "$2"; then try rmdir "$2"
elif [ -L "$2" ] && [ -d "$2" ]; then try rm -f "$2"; fi
try mv -f "$1" "$2"
exit 0
`

/** `copyFile FROM TO`: the bytes and the mode. */
export const copyFile = `[ -e "$1" ] || why "$1"
[ ! -d "$1" ] || isdir
[ -r "$1" ] || denied
[ ! -d "$2" ] || isdir
if [ -e "$2" ] && [ "$1" -ef "$2" ] 2>/dev/null; then exit 0; fi
umask 0
try cp "$1" "$2"
exit 0
`

/**
 * `copy FROM TO OVERWRITE KEEP`: files, folders with all that they hold, links as links. What stands at the new path is
 * kept unless it is to be overwritten; folders grow together. KEEP is `-p` for the times.
 */
export const copy = `${parent}
is "$1" || whyl "$1"
O=$3 K=$4
mixed() { no ${exitOf("EINVAL")} "A folder and a file can not take each other's place"; }
if dir "$1"; then
if is "$2" && [ ! -d "$2" ]; then mixed; fi
a=$(cd -P "$1" 2>/dev/null && pwd -P; echo x)
b=$2; while ! [ -d "$b" ]; do parent "$b"; b=$d; done
b=$(cd -P "$b" 2>/dev/null && pwd -P; echo x)
a=\${a%??} b=\${b%??}
case $b/ in "$a"/*) no ${exitOf("EINVAL")} "A folder can not be copied into itself";; esac
elif [ -d "$2" ]; then mixed; fi
parent "$2"; [ -d "$d" ] || try mkdir -p "$d"
umask 0
walk() {
if dir "$1"; then
[ -r "$1" ] && [ -x "$1" ] || denied
if is "$2"; then [ -d "$2" ] || mixed
for i in "$1"/* "$1"/.[!.]* "$1"/..?*; do ! is "$i" || walk "$i" "$2/\${i##*/}"; done
else try cp -R -P $K "$1" "$2"; fi
else
if is "$2"; then [ -n "$O" ] || return 0; ! dir "$2" || mixed; try rm -f "$2"; fi
try cp -P $K "$1" "$2"
fi
}
walk "$1" "$2"
exit 0
`

/** `utimes PATH ACCESS MODIFICATION POSIXACCESS POSIXMODIFICATION`: each as `touch -d` reads it, and as `touch -t` does. */
export const utimes = `[ -e "$1" ] || why "$1"
set_() { touch -c $1 -d "$3" "$2" 2>/dev/null || try touch -c $1 -t "$4" "$2"; }
if [ "$2" = "$3" ]; then set_ "" "$1" "$2" "$4"
else set_ -a "$1" "$2" "$4"; set_ -m "$1" "$3" "$5"; fi
exit 0
`
