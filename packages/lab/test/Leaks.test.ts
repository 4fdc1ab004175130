import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ChildProcess } from "effect/process"
import * as Leaks from "@toehold/lab/Leaks"

describe("Leaks", () => {
  it.layer(NodeServices.layer)((it) => {
    it.effect("finds a living process by its marker, and only while it lives", () =>
      Effect.gen(function* () {
        const marker = Leaks.marker()
        assert.deepStrictEqual(yield* Leaks.processes(marker), [])
        const child = yield* ChildProcess.make("sh", ["-c", "sleep 600; :", marker])
        yield* Leaks.awaitProcesses(marker, 1)
        assert.deepStrictEqual(yield* Leaks.processes(marker), [`${child.pid} sh -c sleep 600; : ${marker}`])
        yield* child.kill()
        yield* Leaks.awaitProcesses(marker, 0)
      })
    )
  })
})
