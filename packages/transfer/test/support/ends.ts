/** Ends of every kind, all of them this machine: with GNU's programs, with BusyBox's, with none, and as on Windows. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, FileSystem, PlatformError, type Scope } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as RealPart from "@toehold/lab/RealPart"
import * as NodeProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Endpoint from "../../src/Endpoint.ts"

export type Kind = "gnu" | "busybox" | "none" | "windows"

type Spawner = ChildProcessSpawner.ChildProcessSpawner["Service"]

/** Runs each command as the function says. */
export const mapCommands = (
  spawner: Spawner,
  change: (command: ChildProcess.StandardCommand) => ChildProcess.Command
): Spawner =>
  ChildProcessSpawner.make((command) =>
    spawner.spawn(ChildProcess.isStandardCommand(command) ? change(command) : command)
  )

/** A `PATH` with these programs alone. */
export const withPrograms = (spawner: Spawner, folder: string, shell?: ReadonlyArray<string>): Spawner =>
  mapCommands(spawner, ({ args, command, options }) => {
    const [program = command, ...first] = shell ?? [command]
    return ChildProcess.make(program, [...first, ...args], { ...options, env: { ...options.env, PATH: folder } })
  })

const applets = [
  "tar",
  "xargs",
  "sha256sum",
  "find",
  "stat",
  "mv",
  "cat",
  "head",
  "printf",
  "rm",
  "mkdir",
  "echo",
  "df"
]

const busyboxFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = Fs.mkdtempSync(Path.join(Os.tmpdir(), "busybox-"))
    for (const applet of applets) Fs.symlinkSync(RealPart.path("busybox"), Path.join(folder, applet))
    return folder
  }),
  (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
)

const noProcess = ChildProcessSpawner.make((command) =>
  Effect.fail(
    PlatformError.systemError({
      _tag: "NotFound",
      module: "ChildProcess",
      method: "spawn",
      pathOrDescriptor: String(command)
    })
  )
)

export const endOf = Effect.fnUntraced(function* (
  kind: Kind,
  name: string
): Effect.fn.Return<
  Endpoint.Endpoint,
  never,
  Scope.Scope | FileSystem.FileSystem | ChildProcessSpawner.ChildProcessSpawner
> {
  const files = yield* FileSystem.FileSystem
  const processes = yield* ChildProcessSpawner.ChildProcessSpawner
  switch (kind) {
    case "gnu":
      return { files, processes, name }
    case "busybox":
      return {
        files,
        processes: withPrograms(processes, yield* busyboxFolder, [RealPart.path("busybox"), "sh"]),
        name
      }
    case "none":
      return { files, processes: noProcess, name }
    case "windows":
      return { files, processes: noProcess, name, isWindows: true }
  }
})

export const services = NodeServices.layer

/** A folder for one test, removed whatever its modes are. */
export const temporary = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(Path.join(Os.tmpdir(), "transfer-")))),
  (folder) =>
    Effect.sync(() => {
      NodeProcess.spawnSync("chmod", ["-R", "u+rwx", folder])
      Fs.rmSync(folder, { recursive: true, force: true })
    })
)
