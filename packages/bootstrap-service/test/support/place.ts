/** A machine that a session can be made on, with an OpenCode that answers as the real one does. */
import { NodeHttpClient, NodeServices } from "@effect/platform-node"
import { Context, Effect, Layer } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as FreePort from "@toehold/lab/FreePort"
import * as RealPart from "@toehold/lab/RealPart"
import * as ChildProcesses from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as MachineStatus from "../../src/MachineStatus.ts"
import * as SessionSteps from "../../src/SessionSteps.ts"

export class Place extends Context.Service<
  Place,
  {
    /** Where the host reaches it. */
    readonly ip: string
    /** The port of this host that leads to OpenCode's there; that of the machine itself if absent. */
    readonly hostPort?: number
    /** A port there that nothing listens on. */
    readonly freePort: Effect.Effect<number>
    /** A folder on the machine that is the test's own. */
    readonly folder: string
    /** What shell text prints there, with `$1` and so on. */
    readonly sh: (text: string, ...args: ReadonlyArray<string>) => Effect.Effect<string>
  }
>()("@toehold/bootstrap-service/test/Place") {}

/**
 * The stand-in: BusyBox's web server with the one answer. It counts its starts in `~/starts`, says where it was started
 * in `~/started-in` and which process it is in `~/pid`, and does what `~/mode` says: `crash`, or `mute` for a server that answers something else.
 */
export const openCodeProgram = `#!/bin/sh
port=4096
while [ $# -gt 0 ]; do
  [ "$1" = --port ] && port=$2
  shift
done
echo start >>"$HOME/starts"
pwd >"$HOME/started-in"
echo $$ >"$HOME/pid"
mode=$(cat "$HOME/mode" 2>/dev/null)
if [ "$mode" = crash ]; then
  echo "reading configuration"
  echo "Error: the configuration is broken \${OPENCODE_SERVER_PASSWORD}" >&2
  exit 3
fi
d=$(mktemp -d "$HOME/www.XXXXXX")
mkdir "$d/global"
answer='{"healthy":true,"version":"1.2.3"}'
[ "$mode" = mute ] && answer='hello'
printf '%s' "$answer" >"$d/global/health"
: >"$d/conf"
if [ -n "$OPENCODE_SERVER_PASSWORD" ]; then echo "/:opencode:$(busybox httpd -m "$OPENCODE_SERVER_PASSWORD")" >"$d/conf"; fi
echo "opencode server listening on http://0.0.0.0:$port"
exec busybox httpd -f -p "$port" -h "$d" -c "$d/conf"
`

/** Shell text that puts the stand-in into a folder of programs. */
export const installing = `mkdir -p "$1" && cat >"$1/opencode" <<'END'
${openCodeProgram}END
chmod 755 "$1/opencode"`

export const shOf =
  (spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]): Place["Service"]["sh"] =>
  (text, ...args) =>
    Effect.orDie(spawner.string(ChildProcess.make("sh", ["-c", text, "sh", ...args])))

export interface LocalOptions {
  /** Nothing but what BusyBox brings, and these. */
  readonly busyboxWith?: ReadonlyArray<RealPart.PartName>
}

/** This machine, with a home folder of its own and programs of the test's before others. */
const local = ({ busyboxWith }: LocalOptions) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const own = yield* ChildProcessSpawner.ChildProcessSpawner
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "session-"))),
        (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
      )
      const home = Path.join(folder, "home it's")
      const bin = Path.join(folder, "bin")
      Fs.mkdirSync(home)
      Fs.mkdirSync(bin)
      if (busyboxWith !== undefined) {
        const busybox = RealPart.path("busybox")
        for (const name of ChildProcesses.execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
          Fs.symlinkSync(busybox, Path.join(bin, name))
        }
        for (const name of busyboxWith) Fs.symlinkSync(RealPart.path(name), Path.join(bin, name))
      }
      const path = busyboxWith === undefined ? `${bin}:${process.env["PATH"] ?? ""}` : bin
      const env = { HOME: home, PATH: path, XDG_RUNTIME_DIR: Path.join(folder, "run") }
      const spawner = ChildProcessSpawner.make((command) =>
        own.spawn(
          ChildProcess.isStandardCommand(command)
            ? ChildProcess.make(command.command, command.args, {
                ...command.options,
                cwd: home,
                extendEnv: true,
                env: { ...env, ...command.options.env }
              })
            : command
        )
      )
      const sh = shOf(spawner)
      yield* sh(installing, bin)
      return Context.make(ChildProcessSpawner.ChildProcessSpawner, spawner).pipe(
        Context.add(Place, { ip: "127.0.0.1", freePort: FreePort.onLoopback, folder, sh })
      )
    })
  ).pipe(Layer.provideMerge(NodeServices.layer))

/** Requests to the machine's address, which may lead elsewhere from here. */
const client = Layer.effect(
  HttpClient.HttpClient,
  Effect.gen(function* () {
    const { hostPort } = yield* Place
    const plain = yield* HttpClient.HttpClient
    return hostPort === undefined
      ? plain
      : HttpClient.mapRequest(plain, HttpClientRequest.setUrl(`http://127.0.0.1:${hostPort}/global/health`))
  })
).pipe(Layer.provide(NodeHttpClient.layerUndici))

/** The steps on a machine. */
export const stepsOn = <A, E, R>(
  machine: Layer.Layer<A | Place | ChildProcessSpawner.ChildProcessSpawner, E, R>,
  options: SessionSteps.Options = {}
) =>
  SessionSteps.layer({ machineTimeout: "2 seconds", reconnectFor: "10 seconds", ...options }).pipe(
    Layer.provide(MachineStatus.layerRunning()),
    Layer.provide(client),
    Layer.provideMerge(machine)
  )

export const layerLocal = (options: SessionSteps.Options & LocalOptions = {}) =>
  stepsOn(local(options), { network: "skip", ...options })
