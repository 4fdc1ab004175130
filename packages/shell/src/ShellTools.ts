/**
 * What a machine's own programs can do beyond POSIX, found out by trying them: systems differ, and a small one may have
 * almost nothing.
 *
 * @since 0.1.0
 */
import { Effect, type PlatformError, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

/**
 * What was found. `stat`: who answers `stat`, in GNU's way (BusyBox too) or BSD's; `ls` where neither does. `checksum`: the
 * best program for one, by its name. `readlink`, `head`: whether `readlink` and `head -c` work.
 *
 * @since 0.1.0
 * @category models
 */
export class ShellTools extends Schema.Class<ShellTools>("@toehold/shell/ShellTools")({
  stat: Schema.Literals(["gnu", "bsd", "ls"]),
  checksum: Schema.Literals(["sha256sum", "shasum", "openssl", "cksum", "none"]),
  readlink: Schema.Boolean,
  head: Schema.Boolean
}) {}

/**
 * A machine that has nothing but POSIX, and not all of that.
 *
 * @since 0.1.0
 * @category constants
 */
export const least: ShellTools = new ShellTools({ stat: "ls", checksum: "none", readlink: false, head: false })

const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Each is asked for something that it must get right: a program of that name may be another one.
const script = `LC_ALL=C; export LC_ALL
q() { "$@" 2>/dev/null </dev/null; }
s=ls
case $(q stat -Lc %f .) in *[!0-9a-f]*|"") case $(q stat -Lf %z .) in *[!0-9]*|"") ;; *) s=bsd;; esac;; *) s=gnu;; esac
c=none
case $(q sha256sum) in ${empty}*) c=sha256sum;; *)
case $(q shasum -a 256) in ${empty}*) c=shasum;; *)
case $(q openssl dgst -sha256) in *${empty}) c=openssl;; *)
case $(q cksum) in "4294967295 0"*) c=cksum;; esac;; esac;; esac;; esac
r=0; l=$(q readlink /proc/self/cwd) && [ -n "$l" ] && r=1
[ $r = 1 ] || { q command -v readlink >/dev/null && r=1; }
h=0; [ "$(echo abc | head -c 2 2>/dev/null)" = ab ] && h=1
echo "$s $c $r $h"
`

const decode = Schema.decodeUnknownOption(ShellTools)

/**
 * Reads what {@link probe}'s script prints. Any other text is a machine with {@link least}.
 *
 * @since 0.1.0
 * @category decoding
 */
export const parse = (text: string): ShellTools => {
  const [stat, checksum, readlink, head] = text.slice(0, 256).trim().split(" ")
  const read = decode({ stat, checksum, readlink: readlink === "1", head: head === "1" })
  return read._tag === "Some" ? read.value : least
}

/**
 * Tries the programs of a machine: one process. Fails when the shell can't be started or its output can't be read.
 *
 * @since 0.1.0
 * @category constructors
 */
export const probe = Effect.fn("ShellTools.probe")(function* (
  shell = "/bin/sh"
): Effect.fn.Return<ShellTools, PlatformError.PlatformError, ChildProcessSpawner.ChildProcessSpawner> {
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const command = ChildProcess.make(shell, ["-c", script], { stdin: "ignore" })
  return parse(yield* Stream.mkString(Stream.take(spawner.streamString(command), 16)))
})
