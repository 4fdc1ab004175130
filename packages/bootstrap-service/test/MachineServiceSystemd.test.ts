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

const app = (port: number): Provision.App => ({
  name: "web",
  port,
  command: `mkdir -p "$WORKSPACE/www"; exec busybox httpd -f -p 127.0.0.1:${port} -h "$WORKSPACE/www"`
})

/** The whole of the eighth step, and what systemd is for: what ends comes back. */
const provisions = Effect.fnUntraced(function* (port: number) {
  const sh = shOf(yield* ChildProcessSpawner.ChildProcessSpawner)
  const pids = Effect.map(sh(`pgrep -x -f 'busybox httpd.*:${port} .*' || true`), (text) => text.trim().split("\n"))
  const ready = Provision.ready({ workspaces: ["~/workspace"], logs: ["*/none"], app: app(port), tunnel: false })
  yield* ready
  const [first = ""] = yield* pids
  assert.match(first, /^\d+$/)
  yield* ready
  assert.deepStrictEqual(yield* pids, [first], "it was started once")
  yield* sh('kill -9 "$1"', first)
  yield* eventually(Effect.map(pids, ([pid = ""]) => /^\d+$/.test(pid) && pid !== first))
})

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
          const broken = { ...app(8189), name: "broken", command: "echo no module torch >&2; exit 3" }
          const error = yield* Effect.flip(
            Provision.ready({ workspaces: ["~/workspace"], logs: ["*/none"], app: broken, tunnel: false })
          )
          assert.strictEqual(error.reason._tag, "ServiceFailed", error.message)
          assert.include(error.message, "no module torch")
        }),
      timeout
    )

    it.effect(
      "of the system keeps the app for root, starts it once, and again when it was killed",
      () =>
        Effect.gen(function* () {
          const { manager } = yield* gather
          assert.strictEqual(manager, "systemd")
          yield* provisions(8288)
          assert.strictEqual((yield* MachineService.stop("web", { manager })).state, "missing")
        }).pipe(Effect.provide(asRoot)),
      timeout
    )
  })
})
