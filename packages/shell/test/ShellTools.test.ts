import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { describeWith } from "@toehold/lab/RealPart"
import * as ShellTools from "@toehold/shell/ShellTools"
import { type Kind, machine, services } from "./support/shells.ts"

const probe = (kind: Kind) =>
  Effect.gen(function* () {
    const { shell, spawner } = yield* machine(kind)
    return yield* ShellTools.probe(shell).pipe(Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner))
  }).pipe(Effect.scoped, Effect.provide(services))

describe("ShellTools.parse", () => {
  it("reads what the probe prints", () => {
    assert.deepInclude(ShellTools.parse("bsd shasum 1 0\n"), {
      stat: "bsd",
      checksum: "shasum",
      readlink: true,
      head: false
    })
  })

  it.prop("takes anything else for a machine with next to nothing", { text: Schema.String }, ({ text }) => {
    assert.deepStrictEqual(ShellTools.parse(`!${text}`), ShellTools.least)
  })
})

describeWith(["dash", "bash", "busybox"], "ShellTools.probe", () => {
  it.live("finds GNU's programs, BusyBox's, and that there are none", () =>
    Effect.gen(function* () {
      const everything = { stat: "gnu", checksum: "sha256sum", readlink: true, head: true } as const
      assert.deepInclude(yield* probe({ shell: "dash" }), everything)
      assert.deepInclude(yield* probe({ shell: "bash" }), everything)
      assert.deepInclude(yield* probe({ shell: "ash", programs: "busybox" }), everything)
      assert.deepStrictEqual(yield* probe({ shell: "dash", programs: "posix" }), ShellTools.least)
    })
  )
})
