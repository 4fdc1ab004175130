import { NodeServices } from "@effect/platform-node"
import { assert, it } from "@effect/vitest"
import {
  Effect,
  type FileSystem,
  Option,
  type Path as PathService,
  Redacted,
  Schedule,
  type Scope,
  Stream
} from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import * as FreePort from "@toehold/lab/FreePort"
import * as Guest from "@toehold/lab/Guest"
import * as KeyPair from "@toehold/lab/KeyPair"
import * as RealPart from "@toehold/lab/RealPart"
import * as Simulator from "@toehold/lab/VastSimulator"
import { openConsole } from "@toehold/serial-runner/bonfire"
import * as MachineHandle from "@toehold/shell/MachineHandle"
import * as Fs from "node:fs"
import * as Net from "node:net"
import * as Path from "node:path"
import { afterAll, beforeAll } from "vitest"
import { build, clientOf, newToken, openCode, removeBuild, serve, type Site, site } from "./support/worker.ts"

beforeAll(build, 120_000)
afterAll(removeBuild)

const limit = 480_000

type Services = Scope.Scope | FileSystem.FileSystem | PathService.Path | ChildProcessSpawner.ChildProcessSpawner

const live = <E>(name: string, test: Effect.Effect<void, E, Services>) =>
  it.live(name, () => test.pipe(Effect.scoped, Effect.provide(NodeServices.layer)), limit)

const repository = `git init -q -b main "$1" && cd "$1" && echo hello >README && git add . &&
  git -c user.name=t -c user.email=t@t commit -qm first`

const withMachines = (at: Site, machines: Readonly<Record<string, unknown>>): void =>
  Fs.writeFileSync(Path.join(at.folder, "machines.json"), JSON.stringify({ machines }))

const healthAt = (port: number) =>
  Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}/global/health`, { signal: AbortSignal.timeout(5000) }).then(
      (answer) => answer.text(),
      () => undefined
    )
  )

const healthy = '{"healthy":true,"version":"1.2.3"}'

RealPart.describeWith(RealPart.guestParts, "api-worker and a machine with nothing but a console", () => {
  live(
    "brings it from its boot to an OpenCode that is called through its port, though the worker is killed on the way",
    Effect.gen(function* () {
      const guest = yield* Guest.make({ from: "boot" })
      const { directory, httpPort, vmId } = guest
      const at = yield* site
      withMachines(at, {
        [vmId]: {
          target: `serial:bonfire:${directory}/${vmId}`,
          ip: "10.0.100.20",
          forwards: { 4096: `127.0.0.1:${httpPort}` }
        }
      })
      const console = (text: string, ...args: ReadonlyArray<string>) =>
        Effect.acquireUseRelease(
          Effect.tryPromise(() => openConsole({ vmId, pipeDir: directory })),
          (handle) => {
            const processes = Option.getOrThrow(MachineHandle.processes(handle))
            return processes.string(ChildProcess.make("sh", ["-c", text, "sh", ...args]))
          },
          (handle) => Effect.promise(() => handle.close())
        )
      const prepared = console(
        `mkdir -p ~/.local/bin && printf %s "$1" >~/.local/bin/opencode && chmod 755 ~/.local/bin/opencode && set -- ~/repo &&
          { ${repository}; } && ip -4 addr`,
        openCode
      )
      // It boots meanwhile.
      const network = yield* Effect.retry(prepared, { times: 60, schedule: Schedule.spaced("1 second") })
      assert.notInclude(network, "10.0.100", "no network at boot")

      const token = yield* newToken(at)
      const first = yield* serve(at)
      const before = yield* clientOf(first.url, token)
      yield* before.create({ id: "one", machine: vmId, repoUrl: "file:///home/agent/repo", branch: "main" })
      yield* before.watch("one").pipe(
        Stream.takeUntil(({ step }) => step === "network"),
        Stream.runDrain,
        Effect.timeout("2 minutes")
      )
      // In the middle of a command on the console, which it leaves as it is.
      yield* first.kill("SIGKILL")
      const { url } = yield* serve(at)
      const api = yield* clientOf(url, token)
      const events = yield* Stream.runCollect(api.watch("one", { untilSettled: true }))
      const session = yield* api.get("one")
      assert.strictEqual(session.status, "ready", JSON.stringify(session.failure))
      assert.strictEqual(session.workspacePath, "/home/agent/workspaces/one")
      assert.deepStrictEqual(
        events.map(({ id }) => id),
        events.map((_, index) => index + 1)
      )
      assert.strictEqual(yield* healthAt(httpPort), healthy)
      yield* api.remove("one")
      assert.notStrictEqual(yield* healthAt(httpPort), healthy, "nothing of a session that is forgotten runs on")
    })
  )
})

/** Another port of this machine, and how often it was used: as that of a rented machine that leads into a container. */
const mapped = Effect.fnUntraced(function* (to: number) {
  let connections = 0
  const server = yield* Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const made = Net.createServer((socket) => {
        connections++
        const other = Net.connect(to, "127.0.0.1")
        for (const [one, two] of [
          [socket, other],
          [other, socket]
        ] as const) {
          one.on("error", () => two.destroy())
          one.pipe(two)
        }
      }).listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
    }),
    (made) => Effect.sync(() => made.close())
  )
  const address = server.address()
  const port = address !== null && typeof address === "object" ? address.port : 0
  return { port, connections: () => connections }
})

RealPart.describeWith(["sshd", "private-accounts", "busybox", "git"], "api-worker and an instance of Vast.ai", () => {
  live(
    "waits for it to run, logs in, and looks for OpenCode where the service has put its port",
    Effect.gen(function* () {
      const at = yield* site
      const { privateKey, publicKey } = yield* KeyPair.generate()
      const key = Path.join(at.folder, "id_vast")
      Fs.writeFileSync(key, privateKey, { mode: 0o600 })
      const simulator = yield* Simulator.make({ publicKeys: [publicKey] })
      const opencodePort = yield* FreePort.onLoopback
      const { connections, port } = yield* mapped(opencodePort)
      const instance = yield* simulator.rent({ ports: { [opencodePort]: port }, workspace: "home" })
      Fs.mkdirSync(Path.join(instance.homeDir, ".local/bin"), { recursive: true })
      Fs.writeFileSync(Path.join(instance.homeDir, ".local/bin/opencode"), openCode, { mode: 0o755 })
      withMachines(at, {
        gpu: {
          target: `vast:${instance.id}`,
          identityFiles: [key],
          knownHosts: Path.join(at.folder, "known_hosts"),
          hostKey: "accept-new"
        },
        gone: { target: "vast:999999" }
      })
      const env = { ...at.env, VAST_API_KEY: Redacted.value(simulator.apiKey), VAST_URL: simulator.url }
      const there = { ...at, env }
      const token = yield* newToken(there)
      const worker = yield* serve(there)
      const api = yield* clientOf(worker.url, token)
      const workspaceBasePath = Path.join(instance.homeDir, "workspaces")
      yield* instance.settled
      yield* simulator.order(instance.id, "stop")
      yield* instance.settled
      yield* api.create({ id: "one", machine: "gpu", repoUrl: at.repoUrl, opencodePort, workspaceBasePath })
      yield* Stream.runDrain(Stream.takeUntil(api.watch("one"), ({ message }) => message.includes("does not run")))
      yield* simulator.order(instance.id, "start")
      yield* Stream.runDrain(api.watch("one", { untilSettled: true }))
      const session = yield* api.get("one")
      assert.strictEqual(session.status, "ready", JSON.stringify(session.failure))
      assert.isAtLeast(connections(), 1)
      assert.strictEqual(Fs.readFileSync(Path.join(instance.homeDir, "starts"), "utf8"), `${opencodePort}\n`)
      yield* api.create({ id: "none", machine: "gone", repoUrl: at.repoUrl })
      yield* Stream.runDrain(api.watch("none", { untilSettled: true }))
      assert.deepInclude((yield* api.get("none")).failure, { reason: "MachineMissing" })
      assert.notInclude(worker.log(), Redacted.value(simulator.apiKey))
      yield* api.remove("one")
      assert.isUndefined(yield* healthAt(opencodePort))
    })
  )
})
