import { NodeHttpClient, NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Guest from "@toehold/lab/Guest"
import * as RealPart from "@toehold/lab/RealPart"
import * as SerialConsole from "@toehold/serial-runner/SerialConsole"
import * as SerialPort from "@toehold/serial-runner/SerialPort"
import * as SerialProcess from "@toehold/serial-runner/SerialProcess"
import * as SerialShell from "@toehold/serial-runner/SerialShell"
import * as SerialTarget from "@toehold/serial-runner/SerialTarget"
import * as MachineFacts from "../src/MachineFacts.ts"
import * as MachineService from "../src/MachineService.ts"
import * as Provision from "../src/Provision.ts"
import { shOf } from "./support/place.ts"
import { conformance, eventually } from "./support/serviceSuite.ts"

/** A machine that systemd really runs, over its console. */
const guest = Layer.effect(
  ChildProcessSpawner.ChildProcessSpawner,
  Effect.gen(function* () {
    const { input, output } = yield* Guest.make()
    const port = yield* SerialPort.make(SerialTarget.Fifo({ input, output }))
    const console = yield* Effect.provideService(SerialConsole.make(), SerialPort.SerialPort, port)
    const shell = yield* Effect.provideService(SerialShell.make(), SerialConsole.SerialConsole, console)
    return yield* Effect.provideService(SerialProcess.make, SerialShell.SerialShell, shell)
  })
).pipe(Layer.provideMerge(NodeServices.layer), Layer.provideMerge(NodeHttpClient.layerFetch))

/** The same machine for root. */
const asRoot = Layer.effectContext(
  Effect.gen(function* () {
    const agent = yield* ChildProcessSpawner.ChildProcessSpawner
    // Through a terminal of its own it would take what is not meant for it.
    yield* shOf(agent)("echo 'Defaults !use_pty' | sudo -n tee /etc/sudoers.d/no-pty >/dev/null </dev/null")
    const spawner = ChildProcessSpawner.make((command) =>
      agent.spawn(
        ChildProcess.isStandardCommand(command)
          ? ChildProcess.make("sudo", ["-n", "env", "HOME=/root", command.command, ...command.args], command.options)
          : command
      )
    )
    return Context.make(ChildProcessSpawner.ChildProcessSpawner, spawner)
  })
)

const gather = MachineFacts.gather({ workspaces: ["~/workspace"] })

/** An emulated machine's systemd takes its time. */
const timeout = 300_000

RealPart.describeWith(RealPart.guestParts, "MachineService by a real systemd", () => {
  it.layer(guest, { excludeTestServices: true, timeout })((it) => {
    it.effect(
      "of the user starts, keeps, replaces, restarts and stops a service",
      () =>
        Effect.gen(function* () {
          const { manager } = yield* gather
          assert.strictEqual(manager, "systemd-user")
          yield* conformance({ manager }, { isSlow: true })
        }),
      timeout
    )

    it.effect(
      "is asked what became of an app that ends each time, though it goes on trying",
      () =>
        Effect.gen(function* () {
          const broken = { name: "broken", port: 8189, command: "echo no module torch >&2; exit 3" }
          const error = yield* Effect.flip(
            Provision.ready({ workspaces: ["~/workspace"], logs: ["*/none"], app: broken, tunnel: false })
          )
          assert.strictEqual(error.reason._tag, "ServiceFailed", error.message)
          assert.include(error.message, "no module torch")
        }),
      timeout
    )

    it.effect(
      "of the system keeps a service for root, starts it once, and again when it was killed",
      () =>
        Effect.gen(function* () {
          const place = { manager: "systemd" } as const
          const sh = shOf(yield* ChildProcessSpawner.ChildProcessSpawner)
          const pid = Effect.map(sh("tail -n 1 /root/pids 2>/dev/null; true"), (text) => text.trim())
          const web = { name: "web", command: "echo $$ >>/root/pids; exec sleep 600" }
          assert.isTrue((yield* MachineService.ensure(web, place)).changed)
          yield* eventually(Effect.map(pid, (first) => first !== ""))
          const first = yield* pid
          assert.isFalse((yield* MachineService.ensure(web, place)).changed)
          yield* sh('kill -9 "$1"', first)
          yield* eventually(Effect.map(pid, (next) => next !== first))
          assert.strictEqual((yield* MachineService.stop("web", place)).state, "missing")
        }).pipe(Effect.provide(asRoot)),
      timeout
    )
  })
})
