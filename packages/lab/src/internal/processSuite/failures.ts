/** What is an error, and which one. */
import { assert } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { ChildProcess } from "effect/process"
import { fails, type Group, run, sh } from "./machine.ts"

export const failures: Group = (it) => {
  it.effect("finds no program, and no folder", () =>
    Effect.gen(function* () {
      for (const program of ["no-such-program", "/no/such/program", "./no-such-program"]) {
        const error = yield* fails(run(ChildProcess.make(program, ["a"])), "NotFound")
        assert.include(error.message, "no")
      }
      yield* fails(run(sh("true", [], { cwd: "/no/such/folder" })), "NotFound")
    })
  )

  it.effect("may not run what is no program", () =>
    Effect.gen(function* () {
      yield* fails(run(ChildProcess.make("/etc/passwd", [])), "PermissionDenied")
      yield* fails(run(ChildProcess.make("/bin/", [])), "PermissionDenied")
    })
  )

  it.effect("takes no NUL, in no word and no variable", () =>
    Effect.gen(function* () {
      const secret = Redacted.make("hunter2\0")
      for (const command of [
        ChildProcess.make("a\0b", []),
        ChildProcess.make("echo", ["a", "b\0c"]),
        ChildProcess.make("echo", [secret]),
        ChildProcess.make("echo", [], { env: { A: "\0" } }),
        ChildProcess.make("echo", [], { env: { A: secret }, extendEnv: true }),
        ChildProcess.make("echo \0", { shell: true })
      ]) {
        const error = yield* fails(run(command), "BadArgument")
        assert.notInclude(JSON.stringify(error) + String(error), "hunter2")
      }
    })
  )

  it.effect("takes no arguments with a shell", () =>
    fails(run(ChildProcess.make("echo", ["a"], { shell: true })), "BadArgument")
  )
}
