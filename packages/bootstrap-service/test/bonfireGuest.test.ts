import { NodeServices } from "@effect/platform-node"
import { it } from "@effect/vitest"
import { Context, Duration, Effect, Fiber, Layer, Option } from "effect"
import { ChildProcess } from "effect/process"
import * as Guest from "@toehold/lab/Guest"
import * as RealPart from "@toehold/lab/RealPart"
import { openConsole } from "@toehold/serial-runner/bonfire"
import * as MachineHandle from "@toehold/shell/MachineHandle"
import { eq } from "drizzle-orm"
import { expect } from "vitest"
import { drizzleSessionStore } from "../src/internal/drizzleSessionStore.ts"
import { type BootstrapConfig, createBootstrapService, type SessionStatus, type StepEvent } from "../src/index.ts"
import { agentSessions, openDatabase } from "./support/consumerTable.ts"
import { installing } from "./support/place.ts"
import { until } from "./support/workers.ts"

const limit = 480_000

const ip = "10.0.100.20"

const making = `mkdir -p "$1" && cd "$1" && git init -q -b main repo && cd repo && echo one >file && git add file &&
  git -c user.name=a -c user.email=a@example.org commit -qm one`

const newRow = (id: string) => {
  const now = new Date()
  return { id, repoUrl: "file:///home/agent/source/repo", status: "creating", createdAt: now, updatedAt: now } as const
}

const abortable = (): AbortController => new AbortController()

/** All as the consumer has it: its table, its way to look a machine up, the console as the package gives it. */
const consumer = Effect.gen(function* () {
  const guest = yield* Guest.make()
  const { db } = yield* Effect.acquireRelease(Effect.sync(openDatabase), ({ sqlite }) =>
    Effect.sync(() => sqlite.close())
  )
  const events: Array<StepEvent> = []
  const service = createBootstrapService({
    store: drizzleSessionStore(db, agentSessions),
    getVm: async (vmId) => (vmId === guest.vmId ? { status: "running", ipAddress: ip } : null),
    openConsole,
    // The guest's port is reached at one of this host's.
    fetch: (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input)
      expect(url.host).toBe(`${ip}:4096`)
      return fetch(`http://127.0.0.1:${guest.httpPort}${url.pathname}`, init)
    },
    onStep: (event) => void events.push(event)
  })
  const row = (id: string) =>
    Effect.promise(async () => (await db.select().from(agentSessions).where(eq(agentSessions.id, id)))[0])
  const insert = (id: string) =>
    Effect.promise(async () => {
      await db.insert(agentSessions).values(newRow(id))
    })
  const setStatus = (id: string, status: SessionStatus) =>
    Effect.promise(async () => void (await db.update(agentSessions).set({ status }).where(eq(agentSessions.id, id))))
  const { directory: pipeDir, vmId } = guest
  const config = (sessionId: string, changes: Partial<BootstrapConfig> = {}): BootstrapConfig => ({
    sessionId,
    vmId,
    pipeDir,
    repoUrl: "file:///home/agent/source/repo",
    branch: "main",
    healthPollIntervalMs: 100,
    ...changes
  })
  const bootstrap = (id: string, changes: Partial<BootstrapConfig> = {}, signal?: AbortSignal) =>
    Effect.promise(() => service.bootstrap(config(id, changes), signal === undefined ? {} : { signal }))
  /** What shell text prints there, by a console of its own. */
  const sh = (text: string, ...args: ReadonlyArray<string>) =>
    Effect.acquireUseRelease(
      Effect.promise(() => openConsole({ vmId, pipeDir })),
      (handle) =>
        Effect.orDie(
          Option.getOrThrow(MachineHandle.processes(handle)).string(
            ChildProcess.make("sh", ["-c", text, "sh", ...args])
          )
        ),
      (handle) => Effect.promise(() => handle.close())
    )
  const health = Effect.promise(() =>
    fetch(`http://127.0.0.1:${guest.httpPort}/global/health`, { signal: AbortSignal.timeout(5000) }).then(
      (answer) => answer.json(),
      () => undefined
    )
  )
  const never = "{ setsid sh -c 'while :; do busybox nc -l -p 9418 </dev/zero; done' >/dev/null 2>&1 & }"
  yield* sh(`(${installing}\n) && set -- "$2" && ${making} && ${never}`, "/home/agent/.local/bin", "/home/agent/source")
  /** A clone that never comes to its end, and waits until it is at it. */
  const hanging = { repoUrl: "git://127.0.0.1:9418/never" }
  const isCloning = (id: string) => events.some(({ sessionId, step }) => sessionId === id && step === "repository")
  const leftOf = (id: string) => sh('ps -e -o args | grep -c "[g]it .*$1" || :', id)
  return { bootstrap, guest, hanging, health, insert, isCloning, leftOf, row, service, setStatus, sh }
})

class Consumer extends Context.Service<Consumer, Effect.Success<typeof consumer>>()("test/Consumer") {}

const layer = Layer.effect(Consumer, consumer).pipe(Layer.provide(NodeServices.layer))

RealPart.describeWith(RealPart.guestParts, "createBootstrapService on a real guest", () => {
  it.layer(layer, { excludeTestServices: true, timeout: limit })((it) => {
    it.effect(
      "goes from a console to an OpenCode that answers through the machine's port",
      () =>
        Effect.gen(function* () {
          const { bootstrap, health, insert, row, service, sh } = yield* Consumer
          yield* insert("good")
          const workspacePath = "/home/agent/workspaces/good"
          expect(yield* bootstrap("good")).toEqual({ success: true, workspacePath })
          expect(yield* row("good")).toMatchObject({ status: "ready", workspacePath, errorMessage: null, vmId: "vm-1" })
          expect(yield* health).toEqual({ healthy: true, version: "1.2.3" })
          expect(yield* Effect.promise(() => service.pollHealthEndpoint(ip, 4096, 10_000, 100))).toBe(true)
          expect(yield* sh("cat ~/workspaces/good/file; ip -4 -o addr show dev eth0")).toMatch(
            /^one\n.*10\.0\.100\.20\/24/s
          )
          // As after a restart of the caller in the middle of it.
          yield* (yield* Consumer).setStatus("good", "creating")
          expect(yield* bootstrap("good")).toEqual({ success: true, workspacePath })
          expect(yield* sh("cat ~/starts")).toBe("start\n")
        }),
      limit
    )

    it.effect(
      "stops when it is aborted, with what it runs there, and goes on when it is called again",
      () =>
        Effect.gen(function* () {
          const { bootstrap, hanging, insert, isCloning, leftOf, row } = yield* Consumer
          yield* insert("aborted")
          const controller = abortable()
          const running = yield* Effect.forkChild(bootstrap("aborted", hanging, controller.signal))
          yield* until(() => isCloning("aborted"))
          yield* Effect.sleep("1 second")
          controller.abort()
          expect(yield* Fiber.join(running)).toMatchObject({
            success: false,
            errorMessage: expect.stringContaining("stopped")
          })
          expect(yield* row("aborted")).toMatchObject({ status: "error" })
          expect(yield* leftOf("aborted")).toBe("0\n")
          const again = yield* bootstrap("aborted")
          // The port is the first session's still.
          expect(again).toMatchObject({ success: false, errorMessage: expect.stringContaining("4096") })
        }),
      limit
    )

    it.effect(
      "stops when the row is archived meanwhile, and leaves it so",
      () =>
        Effect.gen(function* () {
          const { bootstrap, hanging, insert, isCloning, leftOf, row, setStatus } = yield* Consumer
          yield* insert("archived")
          const running = yield* Effect.forkChild(bootstrap("archived", hanging))
          yield* until(() => isCloning("archived"))
          yield* Effect.sleep("1 second")
          yield* setStatus("archived", "archived")
          expect(yield* Fiber.join(running)).toMatchObject({ success: false })
          expect(yield* row("archived")).toMatchObject({ status: "archived" })
          expect(yield* leftOf("archived")).toBe("0\n")
          expect(yield* bootstrap("archived")).toMatchObject({ success: false })
          expect(yield* row("archived")).toMatchObject({ status: "archived" })
        }),
      limit
    )

    it.effect(
      "says that the image lacks the autologin, at once, at a login prompt",
      () =>
        Effect.gen(function* () {
          const { bootstrap, insert, row, sh } = yield* Consumer
          const unit = "serial-getty@ttyS0.service"
          yield* sh(
            `sudo -n sh -c 'rm -rf /etc/systemd/system/${unit}.d && systemctl daemon-reload &&
              systemd-run --quiet --on-active=1 --timer-property=AccuracySec=100ms systemctl restart ${unit}'`
          )
          yield* Effect.sleep("8 seconds")
          yield* insert("nobody")
          const [took, result] = yield* Effect.timed(bootstrap("nobody"))
          expect(result).toMatchObject({ success: false, errorMessage: expect.stringContaining("ttyS0 autologin") })
          expect(yield* row("nobody")).toMatchObject({ status: "error", errorMessage: result.errorMessage })
          expect(Duration.toMillis(took)).toBeLessThan(20_000)
        }),
      limit
    )
  })

  it.layer(layer, { excludeTestServices: true, timeout: limit })((it) => {
    it.effect(
      "fails when the machine dies in the middle of a step",
      () =>
        Effect.gen(function* () {
          const { bootstrap, guest, hanging, insert, isCloning, row } = yield* Consumer
          yield* insert("dead")
          const running = yield* Effect.forkChild(bootstrap("dead", hanging))
          yield* until(() => isCloning("dead"))
          yield* Effect.sleep("1 second")
          yield* guest.kill
          const [took, result] = yield* Effect.timed(Fiber.join(running))
          expect(result.success).toBe(false)
          expect(yield* row("dead")).toMatchObject({ status: "error", errorMessage: result.errorMessage })
          expect(Duration.toMillis(took)).toBeLessThan(150_000)
        }),
      limit
    )
  })
})
