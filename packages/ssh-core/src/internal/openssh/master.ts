/** The system's `ssh` that holds a connection, and what it says. */
import { Effect, Fiber, type PlatformError, type Scope, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import type { Platform } from "../../ClientPlatform.ts"
import * as SshError from "../../SshError.ts"
import { noProgram } from "./failure.ts"
import { Report } from "./report.ts"

/**
 * Runs a program with nothing to read, and ends it when this shell's own standard input does: an ssh that holds a
 * connection would outlive a client that was killed. Told to end, it waits for both, so that nothing is left to reap.
 */
const watchdog = `exec 3<&0
"$@" </dev/null 3<&- & p=$!
{ while read -r x; do :; done <&3; kill "$p"; } >/dev/null 2>&1 & w=$!
exec 3<&-
trap 'kill "$p" "$w" 2>/dev/null; wait; exit 0' HUP INT TERM
wait "$p"; s=$?
kill "$w" 2>/dev/null; wait
exit "$s"
`

export interface Ssh {
  readonly report: Report
  /** Done when it has ended, and all that it said was taken. */
  readonly ended: Effect.Effect<void>
}

/** Starts `ssh`; each line that it says goes into the report and then to `onLine`. The scope's end ends it. */
export const start = Effect.fnUntraced(function* (
  spawner: ChildProcessSpawner.ChildProcessSpawner["Service"],
  platform: Platform,
  program: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  onLine: (report: Report) => Effect.Effect<void>
): Effect.fn.Return<Ssh, SshError.SshError, Scope.Scope> {
  // BatchMode is not for the jump hosts that ssh starts another ssh for; without a terminal of its own this is what is left.
  const options: ChildProcess.CommandOptions = {
    env: { SSH_ASKPASS_REQUIRE: "never", ...env },
    extendEnv: true,
    stdin: "pipe",
    stdout: "ignore",
    forceKillAfter: "2 seconds"
  }
  const command =
    platform.os === "win32"
      ? ChildProcess.make(program, args, options)
      : ChildProcess.make("/bin/sh", ["-c", watchdog, "sh", program, ...args], options)
  const handle = yield* Effect.mapError(spawner.spawn(command), (error: PlatformError.PlatformError) =>
    SshError.make(noProgram(program, error.reason._tag))
  )
  const report = new Report()
  const reading = yield* handle.stderr.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.runForEach((line) => {
      report.push(line)
      return onLine(report)
    }),
    Effect.ignore,
    Effect.forkScoped
  )
  const exited = Effect.exit(handle.exitCode)
  return { report, ended: Effect.asVoid(Effect.andThen(exited, Fiber.await(reading))) }
})
