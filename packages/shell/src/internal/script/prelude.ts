/**
 * What every script begins with. The scripts are for any POSIX shell (dash, bash, BusyBox ash) and take their values as
 * positional parameters, so that no name can be read as shell text. A name that begins with a dash arrives as `./-…`.
 */
import { caseArms, exitOf } from "../failure.ts"

/**
 * - `f [CODE]`: fails with the exit code that the words in `$e` stand for, and removes the temporary file `$t`.
 * - `no CODE WORDS`: fails with these.
 * - `try CMD…`: runs a command with its output as the script's own, and fails as it does.
 * - `why PATH`: fails for a path that a test did not find, with what the system says of it; `whyl` for the link itself.
 *
 * A script that is ended waits for the program that it runs, which was told to end as well: nothing is left for others to
 * reap. File descriptor 3 is the script's output. Nothing is taken from the environment: a variable could have any name.
 */
export const prelude: string = `LC_ALL=C TZ=UTC0 e= t= x=; export LC_ALL TZ; unset CDPATH; exec 3>&1
trap '[ -z "$t" ] || rm -f "$t"; exit 1' HUP INT TERM
f() {
[ -z "$t" ] || rm -f "$t"
x=$1
[ -n "$x" ] || case $e in
${caseArms}
*) x=99;;
esac
printf '%s\\n' "$e" >&2; exit $x
}
no() { e=$2; f $1; }
try() { e=$(exec 2>&1 >&3 3>&-; exec "$@") || f; }
gone() { case $e in *": not found"|*"command not found"|"") no ${exitOf("ENOENT")} "No such file or directory";; esac; f; }
why() { e=$(ls -dL "$1" 2>&1 >/dev/null); gone; }
whyl() { e=$(ls -d "$1" 2>&1 >/dev/null); gone; }
is() { [ -e "$1" ] || [ -L "$1" ]; }
dir() { [ -d "$1" ] && [ ! -L "$1" ]; }
denied() { no ${exitOf("EACCES")} "Permission denied"; }
exists() { no ${exitOf("EEXIST")} "File exists"; }
isdir() { no ${exitOf("EISDIR")} "Is a directory"; }
notdir() { no ${exitOf("ENOTDIR")} "Not a directory"; }
`

/** `parent PATH`: the folder that a path is in, as `$d`; `/` after a `.` keeps a link to a folder from being taken for it. */
export const parent = `parent() { case $1 in */*) d=\${1%/*}; [ -n "$d" ] || d=/;; *) d=.;; esac; }
`
