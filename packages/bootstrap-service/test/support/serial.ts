/** A real guest that has nothing but its console, as a place for sessions: no network before the session's own step. */
import { NodeServices } from "@effect/platform-node"
import { Context, Effect, Layer } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as Guest from "@toehold/lab/Guest"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import * as SerialPort from "@toehold/serial-runner/SerialPort"
import * as SerialProcess from "@toehold/serial-runner/SerialProcess"
import * as SerialShell from "@toehold/serial-runner/SerialShell"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import * as Fs from "node:fs"
import { fileURLToPath } from "node:url"
import { installing, Place, shOf, stepsOn } from "./place.ts"

const unit = fileURLToPath(new URL("../../../../agent-image/opencode@.service", import.meta.url))

const machine = (by: "systemd" | "job", options: Guest.Options) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const guest = yield* Guest.make(options)
      const target = SerialTarget.Fifo({ input: guest.input, output: guest.output })
      const port = yield* SerialPort.make(target)
      const console = yield* Effect.provideService(SerialConsole.make(), SerialPort.SerialPort, port)
      const shell = yield* Effect.provideService(SerialShell.make(), SerialConsole.SerialConsole, console)
      const spawner = yield* Effect.provideService(SerialProcess.make, SerialShell.SerialShell, shell)
      const sh = shOf(spawner)
      yield* sh(installing, "/home/agent/.local/bin")
      if (by === "systemd") {
        const text = Fs.readFileSync(unit, "utf8")
        yield* sh(
          'd=~/.config/systemd/user; mkdir -p $d; printf %s "$1" >$d/opencode@.service; systemctl --user daemon-reload',
          text
        )
      }
      const place = {
        ip: "10.0.100.20",
        hostPort: guest.httpPort,
        freePort: Effect.succeed(4096),
        folder: "/home/agent/t",
        sh
      }
      return Context.make(ChildProcessSpawner.ChildProcessSpawner, spawner).pipe(Context.add(Place, place))
    })
  )

/** The steps over a guest's console, where OpenCode is a unit of systemd's or is not. */
export const layer = (by: "systemd" | "job", options: Guest.Options = {}) =>
  stepsOn(machine(by, options).pipe(Layer.provideMerge(NodeServices.layer)))
