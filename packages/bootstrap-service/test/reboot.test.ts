import { NodeHttpClient } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schedule } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as RealPart from "@toehold/lab/RealPart"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { afterAll } from "vitest"
import type { MachineNetwork } from "../src/MachineNetwork.ts"
import { type MachineLook, MachineStatus } from "../src/MachineStatus.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import type { Session } from "../src/Session.ts"
import * as SessionEngine from "../src/SessionEngine.ts"
import * as SessionMachines from "../src/SessionMachines.ts"
import * as Sessions from "../src/Sessions.ts"
import * as Namespace from "./support/namespace.ts"
import { Place } from "./support/place.ts"
import * as Serial from "./support/serial.ts"
import * as Ssh from "./support/ssh.ts"

/** A machine that can be started anew. */
interface Machine {
  readonly place: Place["Service"]
  readonly spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]
  readonly network: MachineNetwork | "skip"
  readonly look?: Partial<MachineLook>
  readonly reboot: Effect.Effect<void>
}

const sessionsOn = ({ look, network, place, spawner }: Machine) => {
  const status = Layer.succeed(MachineStatus, {
    look: () => Effect.succeed({ isRunning: true, state: "running", ip: place.ip, ...look })
  })
  const machines = SessionMachines.layer({
    connect: () => Effect.succeed(spawner),
    network,
    machineTimeout: "2 seconds"
  })
  return Sessions.layer.pipe(
    Layer.provide(machines.pipe(Layer.provide([status, NodeHttpClient.layerUndici]))),
    Layer.provide([MemoryStore.layer, SessionEngine.layerMemory])
  )
}

const attempts = ({ steps }: Session) => Object.fromEntries(steps.map((step) => [step.name, step.attempts]))

const outputOf = ({ steps }: Session, name: string) => steps.find((step) => step.name === name)?.output

const making = `mkdir -p "$1" && cd "$1" && git init -q -b main repo && cd repo && echo one >file && git add file &&
  git -c user.name=a -c user.email=a@example.org commit -qm one`

const rebooted = Effect.fnUntraced(function* (machine: Machine) {
  const { place, reboot } = machine
  yield* place.sh(making, `${place.folder}/source`)
  const config = {
    sessionId: "s1",
    vmId: "vm-1",
    repoUrl: `file://${place.folder}/source/repo`,
    workspaceBasePath: `${place.folder}/workspaces`,
    opencodePort: yield* place.freePort,
    healthPollIntervalMs: 50,
    healthPollTimeoutMs: 3000
  }
  yield* Effect.gen(function* () {
    const sessions = yield* Sessions.Sessions
    // It runs and says something else, so that nothing but its answer is left to wait for.
    yield* place.sh('echo mute >"$HOME/mode"')
    yield* sessions.create({ config })
    const failed = yield* sessions.settled("s1")
    assert.deepInclude(failed.failure, { reason: "HealthTimeout", step: "health" }, JSON.stringify(failed.failure))
    yield* sessions.retry("s1")
    const again = yield* sessions.settled("s1")
    assert.deepStrictEqual(attempts(again), { ...attempts(failed), health: 2 }, "without a reboot health alone is left")

    yield* place.sh('echo mine >"$1/work"; echo mine >"$1/file"; rm "$HOME/mode"', `${config.workspaceBasePath}/s1`)
    yield* reboot
    yield* sessions.retry("s1")
    const ready = yield* sessions.settled("s1")
    assert.strictEqual(ready.status, "ready", JSON.stringify(ready.failure))
    const twice = ["machine", "network", "workspace", "repository", "openCode"].map((name) => [name, 2])
    assert.deepStrictEqual(attempts(ready), { ...Object.fromEntries(twice), console: 1, health: 4 })
    assert.notDeepEqual(outputOf(ready, "console"), outputOf(failed, "console"))
    assert.deepStrictEqual(outputOf(ready, "repository"), outputOf(failed, "repository"))
    assert.strictEqual(yield* place.sh('cat "$1/work" "$1/file"', ready.workspacePath ?? ""), "mine\nmine\n")
    const starts = yield* place.sh('cat "$HOME/starts"')
    assert.strictEqual(starts, "start\nstart\n")
    if (machine.network !== "skip") assert.deepInclude(outputOf(ready, "network"), { changed: true })
    yield* sessions.archive("s1")
    yield* sessions.remove("s1")
  }).pipe(Effect.provide(sessionsOn(machine)))
})

/** The end of what the session runs there, and another boot. */
const pretended = (place: Place["Service"], bootFile: string) =>
  Effect.gen(function* () {
    yield* place.sh('kill -9 "$(cat "$HOME/pid")"')
    Fs.writeFileSync(bootFile, "second\n")
  })

const limit = 480_000

const localParts: ReadonlyArray<RealPart.PartName> = [
  "root",
  "private-accounts",
  "nsenter",
  "setpriv",
  "busybox",
  "git"
]

RealPart.describeWith(localParts, "A session on a local machine that was started anew", () => {
  it.layer(Namespace.layer({ hasOwnBoot: true }), { excludeTestServices: true })((it) => {
    it.effect(
      "starts its OpenCode again, and keeps its workspace",
      () =>
        Effect.gen(function* () {
          const place = yield* Place
          const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
          const reboot = pretended(place, Path.join(place.folder, "..", "random", "boot_id"))
          yield* rebooted({ place, spawner, network: "skip", reboot })
        }),
      limit
    )
  })
})

RealPart.describeWith(
  ["root", "sshd", "private-accounts", "busybox", "git"],
  "A session over SSH on a machine that was started anew",
  () => {
    const random = Fs.mkdtempSync(Path.join(Os.tmpdir(), "session-boot-"))
    Fs.writeFileSync(Path.join(random, "boot_id"), "first\n")
    afterAll(() => Fs.rmSync(random, { recursive: true }))

    it.layer(Ssh.layer({ mounts: { "/proc/sys/kernel/random": random } }), { excludeTestServices: true })((it) => {
      it.effect(
        "starts its OpenCode again, and keeps its workspace",
        () =>
          Effect.gen(function* () {
            const place = yield* Place
            const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
            yield* rebooted({ place, spawner, network: "skip", reboot: pretended(place, Path.join(random, "boot_id")) })
          }),
        limit
      )
    })
  }
)

RealPart.describeWith(RealPart.guestParts, "A session over a guest's console, when the guest was started anew", () => {
  it.layer(Serial.layer("job", { reboots: true }), { excludeTestServices: true, timeout: limit })((it) => {
    it.effect(
      "sets up its network and its OpenCode again, and keeps its workspace",
      () =>
        Effect.gen(function* () {
          const place = yield* Place
          const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
          const shell = spawner.string(ChildProcess.make("sh", ["-c", "cat /proc/sys/kernel/random/boot_id"]))
          const reboot = Effect.gen(function* () {
            const before = yield* Effect.orDie(shell)
            yield* Effect.ignore(spawner.string(ChildProcess.make("sh", ["-c", "sync; sudo -n reboot -f"])))
            yield* Effect.orDie(
              Effect.retry(
                Effect.filterOrFail(
                  shell,
                  (now) => now !== before,
                  () => "not yet"
                ),
                { times: 100, schedule: Schedule.spaced("1 second") }
              )
            )
          })
          const look = { forwards: { 4096: { ip: "127.0.0.1", port: place.hostPort ?? 0 } } }
          yield* rebooted({ place, spawner, network: {}, look, reboot })
        }),
      limit
    )
  })
})
