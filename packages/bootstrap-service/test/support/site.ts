/** This machine as a rented one: a home of its own, a workspace, a stand-in for cloudflared, and an app to serve. */
import { NodeHttpClient, NodeServices } from "@effect/platform-node"
import { Context, Effect, Layer } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as FreePort from "@toehold/lab/FreePort"
import * as RunningProcesses from "@toehold/lab/RunningProcesses"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

export class Site extends Context.Service<
  Site,
  {
    readonly folder: string
    readonly home: string
    readonly workspace: string
    readonly bin: string
    /** A port that nobody has. */
    readonly freePort: Effect.Effect<number>
    /** Shell text that serves a page on a port, and notes each start. */
    readonly app: (port: number) => string
    /** How often programs of that name were started. */
    readonly starts: (name: "app" | "cloudflared") => number
    /** Puts a shell script into PATH. */
    readonly program: (name: string, script: string) => void
    /** What is below the home folder, as text. */
    readonly filesWith: (text: string) => ReadonlyArray<string>
  }
>()("@toehold/bootstrap-service/test/Site") {}

export interface Options {
  readonly env?: Readonly<Record<string, string>>
  /** What runs every program, given its words. */
  readonly enter?: (folder: string) => ReadonlyArray<string>
}

const standIn = new URL("./cloudflared.ts", import.meta.url).pathname
const appProgram = new URL("./app.ts", import.meta.url).pathname

const below = (folder: string): ReadonlyArray<string> =>
  Fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => Path.join(entry.parentPath, entry.name))

const make = (options: Options) =>
  Effect.gen(function* () {
    const local = yield* ChildProcessSpawner.ChildProcessSpawner
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "provision-"))),
      (path) =>
        Effect.andThen(
          RunningProcesses.endWithVariable("TOEHOLD_TEST_SITE", path),
          Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))
        )
    )
    const home = Path.join(folder, "root")
    const bin = Path.join(folder, "bin")
    const workspace = Path.join(home, "workspace")
    Fs.mkdirSync(bin)
    Fs.mkdirSync(home)
    const program = (name: string, script: string): void =>
      Fs.writeFileSync(Path.join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    const starts = Path.join(folder, "starts")
    Fs.writeFileSync(starts, "")
    program("cloudflared", `exec ${process.execPath} ${standIn} ${starts} "$@"`)
    const env = {
      HOME: home,
      PATH: `${bin}:/usr/local/bin:/usr/bin:/bin`,
      TOEHOLD_TEST_SITE: folder,
      ...options.env
    }
    const [enter, ...entered] = options.enter?.(folder) ?? []
    const redirect = (command: ChildProcess.Command): ChildProcess.Command => {
      if (!ChildProcess.isStandardCommand(command)) return command
      const settings = { ...command.options, cwd: home, env }
      return enter === undefined
        ? ChildProcess.make(command.command, command.args, settings)
        : ChildProcess.make(enter, [...entered, command.command, ...command.args], settings)
    }
    const site = Site.of({
      folder,
      home,
      workspace,
      bin,
      freePort: FreePort.onLoopback,
      app: (port) => `exec ${process.execPath} ${appProgram} ${starts} ${port}`,
      starts: (name) =>
        Fs.readFileSync(starts, "utf8")
          .split("\n")
          .filter((line) => line === name).length,
      program,
      filesWith: (text) => below(folder).filter((path) => Fs.readFileSync(path).includes(text))
    })
    return Context.make(Site, site).pipe(
      Context.add(
        ChildProcessSpawner.ChildProcessSpawner,
        ChildProcessSpawner.make((command) => local.spawn(redirect(command)))
      )
    )
  })

/** The machine's processes, and a client for the world outside. */
export const layer = (options: Options = {}) =>
  Layer.effectContext(make(options)).pipe(Layer.provide(NodeServices.layer), Layer.merge(NodeHttpClient.layerFetch))
