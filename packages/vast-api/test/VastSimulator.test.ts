import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import * as KeyPair from "@toehold/lab/KeyPair"
import { type Failure, VastSimulator } from "@toehold/lab/VastSimulator"
import * as Instance from "../src/Instance.ts"
import * as InstanceWait from "../src/InstanceWait.ts"
import { make, VastClient } from "../src/VastClient.ts"
import type { VastError } from "../src/VastError.ts"
import { layerWith } from "./support/simulator.ts"

const fast = { interval: "5 millis", timeout: "10 seconds", stuckAfter: "1 second", settle: "20 millis" } as const

/** The tag of the reason for which a call fails, or `undefined` where it doesn't. */
const tagOf = <A>(call: Effect.Effect<A, VastError>): Effect.Effect<string | undefined> =>
  call.pipe(
    Effect.as(undefined),
    Effect.catch(({ reason }) => Effect.succeed<string | undefined>(reason._tag))
  )

const delays = { status: 5, load: 5, ssh: 5, keys: 5, results: 5 }

describe("VastSimulator", () => {
  it.layer(layerWith({ offers: 100, delays }), { excludeTestServices: true })((it) => {
    it.effect("rents what it offers, once", () =>
      Effect.gen(function* () {
        const { instances, offers } = yield* VastClient
        const filters = { gpu_name: { eq: "RTX 4090" }, num_gpus: { lte: 1 } } as const
        const found = yield* offers.search({ filters, order: [["dph_total", "asc"]], limit: 3 })
        assert.deepStrictEqual(
          found.map(({ gpu_name }) => gpu_name),
          ["RTX 4090", "RTX 4090", "RTX 4090"]
        )
        assert.deepStrictEqual(yield* offers.gpuNames, ["RTX 4090", "RTX 3090", "H100 SXM"])
        const offer = found[0]?.id ?? 0
        const made = yield* instances.create(offer, { image: "vastai/base-image", label: "box", disk: 20 })
        assert.isDefined(made.apiKey)
        const { instance } = yield* InstanceWait.waitUntil(made.instance, InstanceWait.running, fast)
        assert.deepInclude(instance, { label: made.label, disk_space: 20, image_uuid: "vastai/base-image" })
        assert.deepStrictEqual(
          Instance.sshAddresses(instance).map(({ host, kind }) => `${kind} ${host}`),
          ["direct 127.0.0.1", "proxy 127.0.0.1"]
        )
        assert.strictEqual(yield* tagOf(instances.create(offer, { image: "x" })), "NoSuchOffer")
        assert.strictEqual(yield* tagOf(instances.create(1, { image: "x" })), "NoSuchOffer")
        assert.strictEqual(yield* tagOf(instances.create(offer + 4, {})), "InvalidRequest")
        assert.strictEqual(yield* instances.destroy(made.instance), "destroyed")
        assert.strictEqual(yield* instances.destroy(made.instance), "already-gone")
      })
    )

    it.effect("points to the proxy's real port, one above what it says when the instance runs Jupyter", () =>
      Effect.gen(function* () {
        const { instances, offers } = yield* VastClient
        const simulator = yield* VastSimulator
        const [offer] = yield* offers.search()
        const made = yield* instances.create(offer?.id ?? 0, { image: "x", runtype: "jupyter_proxy ssh_proxy" })
        const { instance } = yield* InstanceWait.waitUntil(made.instance, InstanceWait.running, fast)
        const { direct, proxy } = yield* simulator.instance(made.instance)
        assert.isUndefined(direct)
        const port = proxy?.port ?? 0
        assert.strictEqual(instance.ssh_port, port - 1)
        assert.deepStrictEqual(Instance.sshAddresses(instance), [{ kind: "proxy", host: "127.0.0.1", port }])
      })
    )

    it.effect("starts, stops, reboots, recycles and names an instance", () =>
      Effect.gen(function* () {
        const { instances } = yield* VastClient
        const simulator = yield* VastSimulator
        const { id, settled } = yield* simulator.rent()
        yield* settled
        const after = (order: Effect.Effect<void, VastError>) =>
          order.pipe(
            Effect.andThen(settled),
            Effect.andThen(instances.show(id)),
            Effect.map(({ actual_status, intended_status }) => `${actual_status} ${intended_status}`)
          )
        assert.strictEqual(yield* after(instances.stop(id)), "exited stopped")
        assert.strictEqual(yield* after(instances.start(id)), "running running")
        assert.strictEqual(yield* after(instances.reboot(id)), "running running")
        assert.strictEqual(yield* after(instances.recycle(id)), "running running")
        yield* instances.label(id, "named")
        assert.strictEqual((yield* instances.show(id)).label, "named")
        for (const call of [instances.label(5, "x"), instances.stop(5), instances.reboot(5), instances.show(5)]) {
          assert.strictEqual(yield* tagOf(Effect.asVoid<Instance.Instance | void, VastError, never>(call)), "NotFound")
        }
      })
    )

    const fates = [
      ["bad-image", "container"],
      ["container-error", "container"],
      ["loads", "stuck"],
      ["no-gpu", "scheduling"],
      ["offline", "offline"]
    ] as const
    for (const [fate, why] of fates) {
      it.effect(`has instances that won't come up: ${fate}`, () =>
        Effect.gen(function* () {
          const simulator = yield* VastSimulator
          const { id } = yield* simulator.rent({ fate })
          const { reason } = yield* Effect.flip(InstanceWait.waitUntil(id, InstanceWait.running, fast))
          assert.deepInclude(reason, { _tag: "InstanceFailed", why })
        })
      )
    }

    it.effect("keeps keys for the account and for each instance", () =>
      Effect.gen(function* () {
        const { instanceKeys, sshKeys } = yield* VastClient
        const simulator = yield* VastSimulator
        const [first, second] = [yield* KeyPair.generate(), yield* KeyPair.generate()]
        const before = yield* simulator.rent()
        const { id } = yield* sshKeys.create(first.publicKey)
        const after = yield* simulator.rent()
        const keysOf = (instance: number) =>
          Effect.map(instanceKeys.list(instance), (keys) => keys.map(({ public_key }) => public_key))
        // A key of the account reaches only instances that are made later.
        assert.deepStrictEqual(yield* keysOf(before.id), [])
        assert.deepStrictEqual(yield* keysOf(after.id), [first.publicKey])
        assert.strictEqual(yield* instanceKeys.attach(before.id, second.publicKey), "attached")
        assert.strictEqual(yield* instanceKeys.attach(before.id, second.publicKey), "already-attached")
        const [key] = yield* instanceKeys.list(before.id)
        yield* instanceKeys.detach(before.id, key?.id ?? 0)
        assert.deepStrictEqual(yield* keysOf(before.id), [])
        yield* sshKeys.update(id, second.publicKey)
        yield* simulator.set({ wrapsKeys: true, isTeam: true })
        assert.deepStrictEqual(
          (yield* sshKeys.list).map(({ public_key }) => public_key),
          [second.publicKey]
        )
        assert.strictEqual(yield* tagOf(sshKeys.create(first.publicKey)), "InvalidRequest")
        yield* simulator.set({ wrapsKeys: false, isTeam: false })
        yield* sshKeys.remove(id)
        assert.deepStrictEqual(yield* sshKeys.list, [])
        assert.strictEqual(yield* tagOf(sshKeys.create(" ")), "InvalidRequest")
        assert.strictEqual(yield* tagOf(instanceKeys.attach(5, first.publicKey)), "NotFound")
      })
    )

    it.effect("keeps variables and API keys, and says what else there is", () =>
      Effect.gen(function* () {
        const { apiKeys, envVars, templates, user, volumes } = yield* VastClient
        const { url } = yield* VastSimulator
        yield* envVars.create("HF_TOKEN", Redacted.make("planted"))
        yield* envVars.update("HF_TOKEN", Redacted.make("planted-again"))
        assert.deepStrictEqual(Object.keys(yield* envVars.list), ["HF_TOKEN"])
        assert.strictEqual(yield* tagOf(envVars.create("HF_TOKEN", Redacted.make("x"))), "InvalidRequest")
        yield* envVars.remove("HF_TOKEN")
        assert.deepStrictEqual(Object.keys(yield* envVars.list), [])
        assert.strictEqual((yield* user).credit, 25)
        assert.lengthOf(yield* templates({ name: { eq: "Base" } }), 1)
        assert.lengthOf(yield* volumes, 1)

        const reading = yield* apiKeys.create("reader", { permissions: { api: { instance_read: {} } } })
        const reader = yield* make({ apiKey: reading.key, baseUrl: url, interval: () => 0, retries: 0 })
        assert.isArray(yield* reader.instances.list)
        assert.strictEqual(yield* tagOf(reader.envVars.create("A", Redacted.make("b"))), "Forbidden")
        assert.deepStrictEqual(
          (yield* apiKeys.list).map(({ name, rights }) => `${name} ${String(rights)}`),
          ["main all", "reader read"]
        )
        yield* apiKeys.remove(reading.id)
        assert.strictEqual(yield* tagOf(reader.user), "Unauthorized")
      })
    )

    it.effect("gives an instance a key that may change that instance alone", () =>
      Effect.gen(function* () {
        const { instances, offers } = yield* VastClient
        const simulator = yield* VastSimulator
        const [offer] = yield* offers.search()
        const { apiKey, instance } = yield* instances.create(offer?.id ?? 0, { image: "x" })
        const other = yield* simulator.rent()
        assert.isDefined(apiKey)
        if (apiKey === undefined) return
        const own = yield* make({ apiKey, baseUrl: simulator.url, interval: () => 0, retries: 0 })
        yield* own.instances.stop(instance)
        assert.strictEqual(yield* tagOf(own.instances.stop(other.id)), "Forbidden")
        assert.strictEqual(yield* tagOf(own.instances.list), "Forbidden")
      })
    )

    it.effect("shows logs after a while, runs three commands, and copies", () =>
      Effect.gen(function* () {
        const { instances } = yield* VastClient
        const { id, settled } = yield* (yield* VastSimulator).rent()
        yield* settled
        const log = yield* instances.logs(id)
        assert.include(log, "supervisord started")
        assert.strictEqual((yield* instances.logs(id, { tail: 1 })).split("\n").length, 2)
        assert.notInclude(yield* instances.logs(id, { filter: "running" }), "supervisord")
        assert.match(yield* instances.logs(id, { daemon: true }), /^kaalia/)
        assert.include(yield* instances.execute(id, "ls -l /root/"), "onstart.sh")
        assert.match(yield* instances.execute(id, "du -s /root"), /\t\/root\n$/)
        assert.strictEqual(yield* tagOf(instances.execute(id, "nvidia-smi")), "InvalidRequest")
        assert.deepStrictEqual(yield* instances.copyAddress("./data/", { instance: id, path: "/workspace/" }), {
          host: "127.0.0.1",
          port: 33500
        })
        yield* instances.copy({ instance: id, path: "/a" }, { instance: id, path: "/b" })
        assert.strictEqual(
          yield* tagOf(instances.copy({ instance: 5, path: "/a" }, { instance: id, path: "/b" })),
          "NotFound"
        )
      })
    )

    it.effect("shows an instance in a list where it is told to", () =>
      Effect.gen(function* () {
        const simulator = yield* VastSimulator
        const { id } = yield* simulator.rent()
        yield* simulator.set({ listsInstance: true })
        assert.strictEqual((yield* (yield* VastClient).instances.show(id)).id, id)
        yield* simulator.set({ listsInstance: false })
      })
    )

    it.effect("lists page after page", () =>
      Effect.gen(function* () {
        const simulator = yield* VastSimulator
        const rented = yield* Effect.forEach(Array.from({ length: 60 }), () => simulator.rent({ fate: "loads" }))
        const all = yield* (yield* VastClient).instances.list
        const ids = new Set(all.map(({ id }) => id))
        assert.strictEqual(ids.size, (yield* simulator.instances).length)
        assert.isTrue(rented.every(({ id }) => ids.has(id)))
      })
    )
  })
})

const failures: Readonly<Record<Exclude<Failure, "silence">, string | undefined>> = {
  "rate-limit-text": "RateLimited",
  "rate-limit-detail": "RateLimited",
  "rate-limit-json": "RateLimited",
  "wrong-key-404": "Unauthorized",
  "wrong-key-401": "Unauthorized",
  "two-factor": "TwoFactorRequired",
  forbidden: "Forbidden",
  "bad-gateway": "ServerError",
  "server-error": "ServerError",
  "not-json": "InvalidResponse",
  cut: "Transport",
  "done-and-cut": "Transport",
  "done-and-bad-gateway": "ServerError",
  // It is for creates.
  billed: undefined
}

describe("VastSimulator, told to fail", () => {
  it.layer(layerWith({ delays }, { retries: 0, timeout: "500 millis" }), { excludeTestServices: true })((it) => {
    for (const [failure, tag] of Object.entries(failures)) {
      it.effect(`fails the next call: ${failure}`, () =>
        Effect.gen(function* () {
          const simulator = yield* VastSimulator
          const { apiKey, url } = simulator
          // One of its own, for it heeds a refusal for being too fast from then on.
          const { user, volumes } = yield* make({ apiKey, baseUrl: url, interval: () => 0, retries: 0 })
          yield* simulator.failNext(failure as Failure, { endpoint: "GET /api/v0/users/current" }) // as the list has it
          assert.strictEqual(yield* tagOf(volumes), undefined)
          assert.strictEqual(yield* tagOf(user), tag)
          assert.strictEqual(yield* tagOf((yield* VastClient).user), undefined)
        })
      )
    }

    it.effect("says nothing at all", () =>
      Effect.gen(function* () {
        yield* (yield* VastSimulator).failNext("silence")
        assert.strictEqual(yield* tagOf((yield* VastClient).user), "Transport")
      })
    )

    it.effect("refuses wrong keys", () =>
      Effect.gen(function* () {
        const { url } = yield* VastSimulator
        const wrong = yield* make({ apiKey: Redacted.make("wrong"), baseUrl: url, interval: () => 0, retries: 0 })
        assert.strictEqual(yield* tagOf(wrong.user), "Unauthorized")
        assert.strictEqual(yield* tagOf(wrong.instances.list), "Unauthorized")
        assert.strictEqual(yield* tagOf(wrong.offers.gpuNames), undefined)
      })
    )

    it.effect("rents and says no, or says nothing, and the instance is there", () =>
      Effect.gen(function* () {
        const { instances, offers } = yield* VastClient
        const simulator = yield* VastSimulator
        const endpoint = "PUT /api/v0/asks/{id}/"
        const [first, second, third] = yield* offers.search()
        yield* simulator.failNext("billed", { endpoint })
        const error = yield* Effect.flip(instances.create(first?.id ?? 0, { image: "x" }))
        const [record] = yield* simulator.instances
        assert.deepInclude(error.reason, { _tag: "BilledButFailed", contract: record?.id ?? 0 })
        for (const [failure, offer] of [
          ["done-and-cut", second],
          ["done-and-bad-gateway", third]
        ] as const) {
          yield* simulator.failNext(failure, { endpoint })
          const made = yield* instances.create(offer?.id ?? 0, { image: "x" })
          assert.isTrue(made.adopted)
          assert.strictEqual(made.instance, (yield* simulator.instances).at(-1)?.id)
        }
        assert.lengthOf(yield* simulator.instances, 3)
        const creates = (yield* simulator.requests).filter((request) => request.endpoint === endpoint)
        assert.lengthOf(creates, 3)
      })
    )
  })
})

const intervals = (endpoint: string) => (endpoint === "GET /api/v0/users/current" ? 100 : 0)

describe("VastSimulator, counting calls", () => {
  it.layer(layerWith({ intervals }, { retries: 0 }), { excludeTestServices: true })((it) => {
    it.effect("refuses a call that comes too early, by endpoint", () =>
      Effect.gen(function* () {
        const { user, volumes } = yield* VastClient
        assert.strictEqual(yield* tagOf(user), undefined)
        assert.strictEqual(yield* tagOf(volumes), undefined)
        const { reason } = yield* Effect.flip(user)
        assert.deepInclude(reason, { _tag: "RateLimited", interval: 0.1 })
        // The client heeds it.
        assert.strictEqual(yield* tagOf(user), undefined)
      })
    )
  })
})

// No distribution has it; where somebody has installed it, it has to get along with the simulator as it is.
const officialClient = (process.env["PATH"] ?? "")
  .split(Path.delimiter)
  .map((folder) => Path.join(folder, "vastai"))
  .find((path) => Fs.existsSync(path))

if (officialClient !== undefined) {
  describe("VastSimulator, to the official client", () => {
    it.layer(layerWith({ delays, servers: "none" }), { excludeTestServices: true })((it) => {
      it.effect(
        "is the service",
        () =>
          Effect.gen(function* () {
            const { apiKey, instance, url } = yield* VastSimulator
            const home = yield* Effect.acquireRelease(
              Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "vastai-"))),
              (folder) => Effect.sync(() => Fs.rmSync(folder, { recursive: true }))
            )
            const env = { ...process.env, HOME: home, VAST_URL: url, VAST_API_KEY: Redacted.value(apiKey) }
            const vastai = (...args: ReadonlyArray<string>) =>
              Effect.callback<string>((resume) => {
                ChildProcess.execFile(officialClient, args, { env }, (_error, stdout, stderr) => {
                  resume(Effect.succeed(stdout + stderr))
                })
              })
            const offers = yield* vastai("search", "offers", "gpu_name=RTX_4090 num_gpus=1", "--raw")
            assert.include(offers, '"id": 12345678')
            const { publicKey } = yield* KeyPair.generate()
            assert.include(yield* vastai("create", "ssh-key", publicKey), "'success': True")
            const made = yield* vastai(
              "create",
              "instance",
              "12345678",
              "--image",
              "x",
              "--disk",
              "20",
              "--ssh",
              "--direct"
            )
            const id = /'new_contract': (\d+)/.exec(made)?.[1] ?? ""
            const { direct, settled } = yield* instance(Number(id))
            yield* settled
            assert.include(yield* vastai("show", "instance", id, "--raw"), '"actual_status": "running"')
            assert.include(yield* vastai("ssh-url", id), `ssh://root@127.0.0.1:${direct?.port}`)
            assert.include(yield* vastai("attach", "ssh", id, publicKey), "already associated")
            assert.include(yield* vastai("logs", id), "supervisord started")
            assert.include(yield* vastai("label", "instance", id, "named"), "named")
            assert.include(yield* vastai("stop", "instance", id), "stopping")
            assert.include(yield* vastai("destroy", "instance", id, "-y"), "destroying")
            assert.include(yield* vastai("show", "instances", "--raw"), "[]")
          }),
        // It is started a dozen times, and is slow to start.
        180_000
      )
    })
  })
}
