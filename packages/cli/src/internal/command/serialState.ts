/** `toehold serial state`: who is at the other end of a console. */
import { Effect, Result } from "effect"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import * as SerialHub from "@toehold/serial-runner/SerialHub"
import * as SerialShell from "@toehold/serial-runner/SerialShell"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler } from "../commandSpec.ts"
import { plain, print, printJson } from "../print.ts"
import { portOf } from "../serialPort.ts"

const words: Readonly<Record<SerialShell.State, string>> = {
  unknown: "nobody answers",
  booting: "a machine that starts",
  login: "a login prompt",
  shell: "a shell",
  continuation: "a shell that waits for the rest of a command",
  busy: "something that takes no commands",
  lost: "a shell that does not answer any more",
  rebooted: "a machine that was restarted",
  panicked: "a kernel that gave up",
  closed: "nothing: the port has ended"
}

/** Without a console nothing can be said. */
const isOfPort = (tag: string): boolean => ["PortMissing", "PortBusy"].includes(tag)

export const state: Handler = (invocation) =>
  Effect.gen(function* () {
    const { name, target } = yield* portOf(invocation)
    const readyTimeout = yield* invocation.duration("timeout")
    const hub = yield* SerialHub.make()
    const console = yield* hub.console(target)
    const shell = yield* Effect.provideService(SerialShell.make({ readyTimeout }), SerialConsole.SerialConsole, console)
    const found = yield* Effect.result(shell.identity)
    if (Result.isFailure(found) && isOfPort(found.failure.reason._tag)) return yield* found.failure
    const known = Result.isSuccess(found) ? "shell" : yield* shell.state
    const more = Result.isSuccess(found)
      ? { uid: found.success.uid, bootId: found.success.bootId }
      : { message: found.failure.message, fix: found.failure.fix }
    if (invocation.has("json")) yield* printJson({ port: name, state: known, ...more })
    else {
      const detail = "uid" in more ? `of user ${more.uid}` : `\n${plain(more.message)}\n${plain(more.fix)}`
      yield* print(`${known}: ${words[known]} ${detail}\n`)
    }
    return known === "shell" ? ExitCode.done : ExitCode.failed
  }).pipe(Effect.scoped)
