/** This machine as a remote one: a home folder of its own, any shell as `sh`, and programs of a test's own before others. */
import { NodeServices } from "@effect/platform-node"
import { Context, Effect, Layer } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as RealPart from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as Jobs from "../../src/Jobs.ts"

export type Shell = "dash" | "bash" | "ash"

const programOf = (shell: Shell): string => RealPart.path(shell === "ash" ? "busybox" : shell)

export class Machine extends Context.Service<
  Machine,
  {
    readonly home: string
    /** Folder that comes first in PATH. */
    readonly bin: string
    /** Where a job keeps its files. */
    readonly jobFolder: (id: string) => string
    /** Puts a shell script into PATH. */
    readonly program: (name: string, script: string) => void
    readonly spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]
  }
>()("@toehold/jobs/test/Machine") {}

export interface Options {
  readonly shell?: Shell
  /** Only what BusyBox brings, and `without` missing even of that. */
  readonly busyboxOnly?: boolean
  readonly without?: ReadonlyArray<string>
  /** Programs of this machine's beside BusyBox's. */
  readonly programs?: ReadonlyArray<RealPart.PartName>
  /** Where the home folder is made. */
  readonly in?: string
  readonly env?: Readonly<Record<string, string>>
}

const make = (options: Options) =>
  Effect.gen(function* () {
    const local = yield* ChildProcessSpawner.ChildProcessSpawner
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(Path.join(options.in ?? Os.tmpdir(), "jobs-"))),
      (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
    )
    const home = Path.join(folder, "home it's")
    const bin = Path.join(folder, "bin")
    Fs.mkdirSync(home)
    Fs.mkdirSync(bin)
    const link = (program: string, name: string) => Fs.symlinkSync(program, Path.join(bin, name))
    link(programOf(options.shell ?? "dash"), "sh")
    if (options.busyboxOnly === true) {
      const { execFileSync } = yield* Effect.promise(() => import("node:child_process"))
      const busybox = RealPart.path("busybox")
      for (const applet of execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
        if (applet !== "sh" && applet !== "busybox" && options.without?.includes(applet) !== true) link(busybox, applet)
      }
    }
    for (const name of options.programs ?? []) link(RealPart.path(name), name)
    const path = options.busyboxOnly === true ? bin : `${bin}:${process.env["PATH"] ?? ""}`
    const redirect = (command: ChildProcess.Command): ChildProcess.Command =>
      ChildProcess.isStandardCommand(command)
        ? ChildProcess.make(Path.join(bin, command.command), command.args, {
            ...command.options,
            cwd: home,
            env: { HOME: home, PATH: path, ...options.env }
          })
        : command
    return Machine.of({
      home,
      bin,
      jobFolder: (id) => Path.join(home, ".local/state/toehold/jobs", id, "d"),
      program: (name, script) => Fs.writeFileSync(Path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 }),
      spawner: ChildProcessSpawner.make((command) => local.spawn(redirect(command)))
    })
  })

const spawner = Layer.effect(
  ChildProcessSpawner.ChildProcessSpawner,
  Effect.map(Machine, (machine) => machine.spawner)
)

/** The machine, its jobs, and the spawner that they use. */
export const layer = (options: Options = {}) =>
  Jobs.layer.pipe(
    Layer.provideMerge(spawner),
    Layer.provideMerge(Layer.effect(Machine, make(options))),
    Layer.provideMerge(NodeServices.layer)
  )
