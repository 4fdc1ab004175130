/** `toehold image check`: what an image lacks for agent sessions. */
import { Effect, FileSystem } from "effect"
import * as ImageCheck from "@toehold/bootstrap-service/ImageCheck"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler } from "../commandSpec.ts"
import { fileFailure, openMachine } from "../machine.ts"
import { plain, print, printJson } from "../print.ts"

const marks: Readonly<Record<ImageCheck.Finding["state"], string>> = {
  ok: "ok  ",
  missing: "FAIL",
  advised: "warn",
  unknown: "?   "
}

/** A path as a machine's name can't be one. */
const isPath = (text: string): boolean => /^(?:\.{0,2}[\\/]|\.{1,2}$|[A-Za-z]:[\\/])/.test(text)

export const imageCheck: Handler = (invocation) =>
  Effect.gen(function* () {
    const name = invocation.argument(0)
    const own = yield* FileSystem.FileSystem
    const root = isPath(name) ? name : "/"
    const files = isPath(name) ? own : (yield* openMachine(invocation, name)).files
    const findings = yield* ImageCheck.check(root).pipe(
      Effect.provideService(FileSystem.FileSystem, files),
      Effect.mapError((error) => fileFailure(root, error))
    )
    const ready = ImageCheck.isReady(findings)
    if (invocation.has("json")) {
      yield* printJson({ findings, ready })
    } else {
      for (const { detail, fix, name, state } of findings) {
        yield* print(`${marks[state]}  ${name.padEnd(12)}  ${plain(detail)}\n`)
        if (fix !== "") yield* print(`${" ".repeat(20)}${plain(fix)}\n`)
      }
      yield* print(ready ? "\nReady for agent sessions.\n" : "\nNot ready for agent sessions.\n")
    }
    return ready ? ExitCode.done : ExitCode.failed
  }).pipe(Effect.scoped)
