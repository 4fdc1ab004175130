import { readFileSync } from "node:fs"
import { it } from "@effect/vitest"
import { Effect, ManagedRuntime, Result, Schema } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { describeWith } from "@toehold/lab/RealPart"
import * as MachineHandle from "@toehold/shell/MachineHandle"
import { afterAll, afterEach, beforeAll, describe, expect } from "vitest"
import {
  type BootstrapConfig,
  type BootstrapServiceOptions,
  createBootstrapService,
  type SessionRow,
  type SessionRowPatch,
  type SessionRows,
  type SessionStatus,
  type StepEvent
} from "../src/index.ts"
import * as SessionConfig from "../src/SessionConfig.ts"
import { SessionSteps } from "../src/SessionSteps.ts"
import { layerLocal, Place } from "./support/place.ts"

interface Row extends SessionRow {
  readonly updatedAt?: Date
}

/** The caller's table, in memory, with what was written to it. */
const rowsOf = (first: Readonly<Record<string, SessionStatus>>) => {
  const rows = new Map<string, Row>(Object.entries(first).map(([id, status]) => [id, { status }]))
  const written: Array<SessionRowPatch> = []
  const store: SessionRows = {
    get: async (id) => rows.get(id),
    update: async (id, patch, { ifStatus }) => {
      const row = rows.get(id)
      if (row === undefined || (ifStatus !== undefined && !ifStatus.includes(row.status))) return false
      rows.set(id, { ...row, ...patch })
      written.push(patch)
      return true
    }
  }
  return { rows, store, written }
}

const source = (path: string): string => readFileSync(new URL(`../src/${path}`, import.meta.url), "utf8")

const running = async () => ({ status: "running", ipAddress: "127.0.0.1" })
const never = () => new Promise<never>(() => undefined)

const configOf = (changes: Partial<BootstrapConfig> = {}): BootstrapConfig => ({
  sessionId: "a",
  repoUrl: "https://example.org/r.git",
  vmId: "vm-1",
  ...changes
})

const serviceOf = (store: SessionRows, changes: Partial<BootstrapServiceOptions> = {}) =>
  createBootstrapService({ store, getVm: running, openConsole: never, network: "skip", ...changes })

describeWith(["busybox", "git"], "createBootstrapService on this machine", () => {
  const runtime = ManagedRuntime.make(layerLocal())
  let place: Place["Service"]
  let spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]
  const opened: Array<string> = []

  beforeAll(async () => {
    place = await runtime.runPromise(Place)
    spawner = await runtime.runPromise(ChildProcessSpawner.ChildProcessSpawner)
    const text = `mkdir -p "$1" && cd "$1" && git init -q -b main repo && cd repo && echo one >file && git add file &&
      git -c user.name=a -c user.email=a@example.org commit -qm one`
    await runtime.runPromise(place.sh(text, `${place.folder}/source`))
  })
  afterAll(() => runtime.dispose())
  afterEach(() => void opened.splice(0))

  const openConsole: BootstrapServiceOptions["openConsole"] = async ({ vmId }) => {
    opened.push(`open ${vmId}`)
    const handle = await MachineHandle.open(Effect.succeed(spawner))
    return {
      ...handle,
      close: async () => {
        opened.push(`close ${vmId}`)
        await handle.close()
      }
    }
  }

  it("brings a session to ready, tells how it goes, and does nothing twice", { timeout: 60_000 }, async () => {
    const { rows, store, written } = rowsOf({ s1: "creating" })
    const events: Array<StepEvent> = []
    const service = serviceOf(store, { openConsole, onStep: (event) => void events.push(event) })
    const opencodePort = await runtime.runPromise(place.freePort)
    const config = configOf({
      sessionId: "s1",
      repoUrl: `file://${place.folder}/source/repo`,
      workspaceBasePath: `${place.folder}/workspaces`,
      opencodePort,
      healthPollIntervalMs: 50
    })
    const workspacePath = `${place.folder}/workspaces/s1`
    expect(await service.bootstrap(config)).toEqual({ success: true, workspacePath })
    expect(rows.get("s1")).toMatchObject({ status: "ready", workspacePath, errorMessage: null, vmId: "vm-1" })
    expect(rows.get("s1")?.updatedAt).toBeInstanceOf(Date)
    expect(new Set(events.flatMap(({ step }) => step ?? []))).toEqual(
      new Set(["machine", "console", "network", "workspace", "repository", "openCode", "health"])
    )
    expect(written.some(({ errorMessage }) => errorMessage?.includes("OpenCode") === true)).toBe(true)
    expect(opened).toEqual(["open vm-1", "close vm-1"])
    expect(await service.pollHealthEndpoint("127.0.0.1", opencodePort, 5000, 50)).toBe(true)
    // Once more, as after a restart of the caller in the middle of it.
    rows.set("s1", { status: "creating" })
    expect(await service.bootstrap(config)).toEqual({ success: true, workspacePath })
    expect((await runtime.runPromise(place.sh('cat "$HOME/starts"'))).trim()).toBe("start")
    expect(await service.bootstrap(config)).toEqual({ success: true, workspacePath })
    const whole = Result.getOrThrow(SessionConfig.decode(JSON.parse(JSON.stringify(config))))
    await runtime.runPromise(
      SessionSteps.use((steps) => Effect.flatMap(steps.console(whole, {}), (console) => steps.stop(whole, { console })))
    )
  })

  it("says what to do about a repository that isn't there", { timeout: 30_000 }, async () => {
    const { rows, store } = rowsOf({ s2: "creating" })
    const config = configOf({
      sessionId: "s2",
      repoUrl: `file://${place.folder}/source/missing`,
      workspaceBasePath: `${place.folder}/workspaces`
    })
    const result = await serviceOf(store, { openConsole }).bootstrap(config)
    expect(result).toMatchObject({ success: false, errorMessage: expect.stringContaining("Check the URL") })
    expect(rows.get("s2")).toMatchObject({ status: "error", errorMessage: result.errorMessage })
  })
})

describe("createBootstrapService", () => {
  it("has no Effect in its types", () => {
    expect(source("internal/bonfireModel.ts")).not.toMatch(/^import /m)
    expect(source("internal/bonfireService.ts")).toContain(
      "export const createBootstrapService = (options: BootstrapServiceOptions): BootstrapService => {"
    )
    for (const name of ["mockBootstrapService", "drizzleSessionStore"]) {
      expect(source(`internal/${name}.ts`)).not.toContain('"effect')
    }
  })

  it.each([
    ["an address that is none", { vmIp: "10.0.0.1; reboot" }, {}, /vmIp/],
    ["a branch that is an option", { branch: "--upload-pack=touch /tmp/x" }, {}, /branch/],
    ["a URL that runs a program", { repoUrl: "ext::sh -c id" }, {}, /repoUrl/],
    ["a session that climbs", { sessionId: "../../etc" }, {}, /sessionId/],
    ["a machine that is not there", {}, { getVm: async () => null }, /no machine vm-1/],
    ["a database of machines that fails", {}, { getVm: () => Promise.reject(new Error("db is away")) }, /db is away/],
    ["a console that can't be opened", {}, { openConsole: () => Promise.reject(new Error("ENOENT")) }, /ENOENT/],
    ["a console that is none", {}, { openConsole: async () => ({}) as never }, /no machine/],
    [
      "a login prompt",
      {},
      {
        openConsole: () =>
          Promise.reject(
            Object.assign(new Error("login:"), {
              reason: { _tag: "LoginPrompt" },
              isRetryable: false,
              outcome: "did-not-run"
            })
          )
      },
      /ttyS0 autologin/
    ]
  ] as ReadonlyArray<readonly [string, Partial<BootstrapConfig>, Partial<BootstrapServiceOptions>, RegExp]>)(
    "resolves with %s, and puts the row into error",
    { timeout: 30_000 },
    async (_, config, options, message) => {
      const clock = { now: () => Date.now(), sleep: async () => new Promise<void>((resume) => setTimeout(resume, 1)) }
      const { rows, store } = rowsOf({ a: "creating", "../../etc": "creating" })
      const result = await serviceOf(store, { clock, ...options }).bootstrap(configOf(config))
      expect(result).toMatchObject({ success: false, errorMessage: expect.stringMatching(message) })
      expect(rows.get(config.sessionId ?? "a")).toMatchObject({ status: "error", errorMessage: result.errorMessage })
    }
  )

  it("stops when the row is archived meanwhile, and leaves it so", async () => {
    const { rows, store } = rowsOf({ a: "creating" })
    const result = serviceOf(store).bootstrap(configOf())
    await new Promise((resume) => setTimeout(resume, 100))
    rows.set("a", { status: "archived" })
    expect(await result).toMatchObject({ success: false })
    expect(rows.get("a")).toEqual({ status: "archived" })
  })

  it("does not begin with a row that is archived or gone", async () => {
    const { store, written } = rowsOf({ a: "archived" })
    const service = serviceOf(store)
    expect(await service.bootstrap(configOf())).toMatchObject({ success: false })
    expect(await service.bootstrap(configOf({ sessionId: "b" }))).toMatchObject({ success: false })
    expect(written).toEqual([])
  })

  it("stops when it is aborted, closes the console, and can be started again", async () => {
    const { rows, store } = rowsOf({ a: "creating" })
    const controller = new AbortController()
    let wasTold = false
    const service = serviceOf(store, {
      openConsole: ({ signal }) =>
        new Promise((_, fail) => signal.addEventListener("abort", () => ((wasTold = true), fail(new Error("told")))))
    })
    const result = service.bootstrap(configOf(), { signal: controller.signal })
    await new Promise((resume) => setTimeout(resume, 50))
    controller.abort()
    expect(await result).toMatchObject({ success: false, errorMessage: expect.stringContaining("stopped") })
    expect(rows.get("a")?.status).toBe("error")
    expect(wasTold).toBe(true)
    const again = service.bootstrap(configOf(), { signal: AbortSignal.timeout(20) })
    expect(await again).toMatchObject({ success: false })
  })

  it("makes one session at a time on a machine", async () => {
    const { rows, store } = rowsOf({ a: "creating", b: "creating", c: "creating" })
    const controller = new AbortController()
    const service = serviceOf(store)
    const first = service.bootstrap(configOf(), { signal: controller.signal })
    expect(service.bootstrap(configOf())).toBe(first)
    const other = await service.bootstrap(configOf({ sessionId: "b" }))
    expect(other.errorMessage).toContain("busy with session a")
    expect(rows.get("b")?.status).toBe("error")
    controller.abort()
    await first
    const next = service.bootstrap(configOf({ sessionId: "c" }), { signal: AbortSignal.timeout(20) })
    expect((await next).errorMessage).not.toContain("busy")
  })

  it("never rejects, whatever it is given", async () => {
    const failing: SessionRows = {
      get: () => Promise.reject(new Error("no")),
      update: () => Promise.reject(new Error("no"))
    }
    const clock = { now: () => 0, sleep: async () => undefined }
    for (const store of [failing, { get: () => undefined, update: () => undefined } as never, {} as never]) {
      const service = serviceOf(store, { clock })
      expect(await service.bootstrap(configOf())).toMatchObject({ success: false })
    }
  })

  it.effect.prop(
    "resolves to a failure for anything that is no configuration",
    { config: Schema.Unknown, signal: Schema.Unknown },
    ({ config, signal }) =>
      Effect.gen(function* () {
        const service = serviceOf(rowsOf({}).store)
        const result = yield* Effect.promise(() => service.bootstrap(config as never, { signal } as never))
        expect(result.success).toBe(false)
      }),
    { arbitrary: { runs: 100 } }
  )

  it("asks for health by the caller's fetch, with a limit for each request", async () => {
    const asked: Array<string> = []
    const answers = [new Response("not yet", { status: 502 }), new Response('{"healthy":true}')]
    const fetch = async (input: string | URL | Request) => {
      asked.push(input instanceof Request ? input.url : String(input))
      return answers.shift() ?? never()
    }
    const service = serviceOf(rowsOf({}).store, { fetch })
    expect(await service.pollHealthEndpoint("10.0.100.20", 4000, 5000, 1)).toBe(true)
    expect(asked).toEqual(Array.from({ length: 2 }, () => "http://10.0.100.20:4000/global/health"))
    expect(await service.pollHealthEndpoint("10.0.100.20", 4000, 50, 1)).toBe(false)
    expect(await service.pollHealthEndpoint("10.0.100.20/../x", 4000, 50, 1)).toBe(false)
    expect(await service.pollHealthEndpoint("10.0.100.20", -1, 50, 1)).toBe(false)
    expect(await service.pollHealthEndpoint(undefined as never)).toBe(false)
  })
})
