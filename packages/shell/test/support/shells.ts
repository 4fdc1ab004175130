import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Layer } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as RealPart from "@toehold/lab/RealPart"
import * as ShellFiles from "@toehold/shell/ShellFiles"

/** A machine of its own kind: which shell it has, and which programs. */
export interface Kind {
  readonly shell: "dash" | "bash" | "ash"
  /** Names of programs that alone are to be found; of this machine's own, or BusyBox's. Default: all of this machine's. */
  readonly programs?: ReadonlyArray<string>
  readonly busybox?: boolean
}

/** What POSIX has and the scripts can't do without. */
export const bare = "cat chmod cp date dd ln ls mkdir mv rm rmdir sleep touch".split(" ")

/** The local spawner, with a `PATH` of its own for what it starts, and the path of the shell. */
const machine = Effect.fnUntraced(function* (kind: Kind) {
  const fs = yield* FileSystem.FileSystem
  const local = yield* ChildProcessSpawner.ChildProcessSpawner
  const folder = yield* fs.makeTempDirectoryScoped()
  const busybox = kind.shell === "ash" || kind.busybox === true ? RealPart.path("busybox") : ""
  const ash = `${folder}/ash`
  if (kind.shell === "ash") yield* fs.symlink(busybox, ash)
  const shell = kind.shell === "ash" ? ash : RealPart.path(kind.shell)
  if (kind.programs === undefined && kind.busybox !== true) return { spawner: local, shell }
  const bin = `${folder}/bin`
  yield* fs.makeDirectory(bin)
  const names =
    kind.programs ?? (yield* local.string(ChildProcess.make(busybox, ["--list"]))).split("\n").filter(Boolean)
  for (const name of names.filter((name) => !name.includes("["))) {
    const program = kind.busybox === true ? busybox : `/bin/${name}`
    yield* fs.symlink(program, `${bin}/${name}`)
  }
  const spawner = ChildProcessSpawner.make((command) =>
    local.spawn(ChildProcess.setEnv(command, { PATH: bin, TMPDIR: process.env["TMPDIR"] ?? "/tmp" }))
  )
  return { spawner, shell }
})

/** Files by that machine's shell. */
export const layer = (kind: Kind) =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.gen(function* () {
      const { shell, spawner } = yield* machine(kind)
      return yield* ShellFiles.make({ shell, watchInterval: "100 millis" }).pipe(
        Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner)
      )
    })
  ).pipe(Layer.provide(NodeServices.layer))
