/** `toehold doctor serial:…`: the way to a machine over its console, stage by stage. */
import { Effect, Result } from "effect"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import * as SerialHub from "@toehold/serial-runner/SerialHub"
import * as SerialShell from "@toehold/serial-runner/SerialShell"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import type { Handler } from "../commandSpec.ts"
import * as StageReport from "../stageReport.ts"

export const serialDoctor: Handler = (invocation) =>
  Effect.gen(function* () {
    const report = StageReport.make<"port" | "shell" | "command">({ isJson: invocation.has("json") })
    const check = Effect.gen(function* () {
      const hub = yield* SerialHub.make()
      const opened = Effect.flatMap(Effect.fromResult(SerialTarget.parse(invocation.argument(0))), hub.console)
      const console = yield* report.run("port", opened, () => "it is open, and nobody else's")
      if (Result.isFailure(console)) return console.failure
      const shell = yield* Effect.provideService(SerialShell.make(), SerialConsole.SerialConsole, console.success)
      const found = yield* report.run("shell", shell.identity, ({ uid }) => `a shell of user ${uid}`)
      if (Result.isFailure(found)) return found.failure
      const probe = shell.run(StageReport.shellProbe, { timeout: "30 seconds", maxOutput: 1024 })
      const ran = yield* report.run("command", probe, StageReport.shellFound)
      return Result.isFailure(ran) ? ran.failure : undefined
    })
    return yield* report.finish({ failure: yield* Effect.scoped(check), good: StageReport.ready })
  })
