import { NodeServices } from "@effect/platform-node"
import { Effect, FileSystem, Layer } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { execFileSync } from "node:child_process"
import type * as FileSuite from "@toehold/lab/FileSuite"
import * as RealPart from "@toehold/lab/RealPart"
import * as ShellFiles from "@toehold/shell/ShellFiles"

/** A machine of its own kind. */
export interface Kind {
  readonly shell: "dash" | "bash" | "ash"
  /** Where its programs come from. Default: this machine's own. `posix`: of these only the few that the scripts need. */
  readonly programs?: "busybox" | "posix"
  /** As a user without rights, where the tests run as root. */
  readonly isUnprivileged?: boolean
}

/** What POSIX has and the scripts can't do without. */
const posix = "cat chmod chown cp date dd ln ls mkdir mv rm rmdir sleep sync touch".split(" ")

const isRoot = process.getuid?.() === 0

export const services = NodeServices.layer

/** The local spawner, with a `PATH` of its own for what it starts, and the path of the shell. */
export const machine = Effect.fnUntraced(function* ({ isUnprivileged, programs, shell }: Kind) {
  const fs = yield* FileSystem.FileSystem
  const local = yield* ChildProcessSpawner.ChildProcessSpawner
  const folder = yield* fs.makeTempDirectoryScoped()
  yield* fs.chmod(folder, 0o755)
  // BusyBox is whatever its own name says.
  if (shell === "ash") yield* fs.symlink(RealPart.path("busybox"), `${folder}/ash`)
  yield* fs.makeDirectory(`${folder}/bin`)
  const busybox = Effect.suspend(() => local.lines(ChildProcess.make(RealPart.path("busybox"), ["--list"])))
  for (const name of programs === "busybox" ? yield* busybox : programs === "posix" ? posix : []) {
    yield* fs.symlink(programs === "busybox" ? RealPart.path("busybox") : `/bin/${name}`, `${folder}/bin/${name}`)
  }
  const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"]
  const spawner = ChildProcessSpawner.make((command) => {
    const there = programs === undefined ? command : ChildProcess.setEnv(command, { PATH: `${folder}/bin` })
    return local.spawn(
      isUnprivileged === true && isRoot ? ChildProcess.prefix(there, RealPart.path("setpriv"), nobody) : there
    )
  })
  return { spawner, shell: shell === "ash" ? `${folder}/ash` : RealPart.path(shell) }
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
  ).pipe(Layer.provide(services))

/** What the suite is told of all of them. */
export const capabilities: FileSuite.Capabilities = {
  unprivileged: !isRoot,
  makeFifo: (path) => Effect.sync(() => execFileSync("mkfifo", ["-m", "666", path])),
  bigFileBytes: 3_000_000,
  concurrency: 6
}
