import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Instance from "../src/Instance.ts"
import * as InstanceWait from "../src/InstanceWait.ts"
import { VastClient } from "../src/VastClient.ts"
import { layer, play, Server } from "./support/server.ts"

const fast = { interval: "5 millis", timeout: "5 seconds", stuckAfter: "60 millis", settle: "30 millis" } as const

const failure = (id: number, fixture: string, options: InstanceWait.Options = {}) =>
  Effect.gen(function* () {
    yield* (yield* Server).use(play(fixture))
    const { reason } = yield* Effect.flip(InstanceWait.waitUntil(id, InstanceWait.running, { ...fast, ...options }))
    return [reason._tag, "why" in reason ? reason.why : ""]
  })

const addressesOf = (id: number, fixture: string) =>
  Effect.gen(function* () {
    yield* (yield* Server).use(play(fixture))
    const instance = yield* (yield* VastClient).instances.show(id)
    return Instance.sshAddresses(instance).map(({ kind, host, port }) => `${kind} ${host}:${port}`)
  })

describe("sshAddresses", () => {
  it.layer(layer, { excludeTestServices: true })((it) => {
    it.effect("keeps the direct and the proxy address apart, and adds one to the proxy's port for Jupyter", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* addressesOf(41000001, "10"), [
          "direct 203.0.113.11:40100",
          "proxy ssh7.vast.ai:30000"
        ])
        assert.deepStrictEqual(yield* addressesOf(41000002, "12"), ["proxy ssh7.vast.ai:30000"])
        assert.deepStrictEqual(yield* addressesOf(41000003, "13"), ["proxy ssh4.vast.ai:31234"])
        assert.deepStrictEqual(yield* addressesOf(41000004, "14"), ["proxy ssh4.vast.ai:32001"])
      })
    )
  })
})

describe("waitUntil", () => {
  it.layer(layer, { excludeTestServices: true })((it) => {
    it.effect("tells each thing that is new, and ends when the instance runs", () =>
      Effect.gen(function* () {
        yield* (yield* Server).use(({ path }, count) => {
          const answer = play(
            "11",
            "11",
            "12",
            "12",
            "10"
          )({ method: "GET", path, query: {}, authorization: "", body: {} }, count)
          // The same instance all the way.
          return answer === "cut" || answer === "silence"
            ? answer
            : { ...answer, body: JSON.stringify(answer.body).replaceAll("41000001", "41000002") }
        })
        const events: Array<string> = []
        const ready = yield* InstanceWait.waitUntil(41000002, InstanceWait.running, {
          ...fast,
          stuckAfter: "5 seconds",
          onEvent: ({ _tag, instance }) => Effect.sync(() => void events.push(`${_tag} ${instance.actual_status}`))
        })
        assert.deepStrictEqual(events, ["Waiting null", "Waiting loading", "Ready running"])
        assert.isUndefined(ready.address)
      })
    )

    it.effect("asks the addresses in turn until one answers", () =>
      Effect.gen(function* () {
        yield* (yield* Server).use(play("10"))
        const asked: Array<string> = []
        const probe = ({ kind }: Instance.SshAddress) => Effect.sync(() => asked.push(kind) === 4)
        const { address } = yield* InstanceWait.waitUntil(41000001, InstanceWait.sshReady(probe), fast)
        assert.deepStrictEqual(asked, ["direct", "proxy", "direct", "proxy"])
        assert.deepStrictEqual(address, { kind: "proxy", host: "ssh7.vast.ai", port: 30000 })
      })
    )

    it.effect("fails early for what will not come up", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* failure(41000005, "15"), ["InstanceFailed", "container"])
        assert.deepStrictEqual(yield* failure(41000006, "16"), ["InstanceFailed", "container"])
        assert.deepStrictEqual(yield* failure(41000007, "17"), ["InstanceFailed", "scheduling"])
        assert.deepStrictEqual(yield* failure(41000008, "18"), ["InstanceFailed", "offline"])
        assert.deepStrictEqual(yield* failure(49999999, "19"), ["NotFound", ""])
        assert.deepStrictEqual(yield* failure(41000002, "12"), ["InstanceFailed", "stuck"])
      })
    )

    it.effect("ends at the deadline, a probe that hangs included", () =>
      Effect.gen(function* () {
        const late = { timeout: "50 millis", stuckAfter: "1 minute" } as const
        assert.deepStrictEqual(yield* failure(41000002, "12", late), ["WaitTimeout", ""])
        yield* (yield* Server).use(play("10"))
        const hanging = InstanceWait.sshReady(() => Effect.never)
        const { reason } = yield* Effect.flip(InstanceWait.waitUntil(41000001, hanging, { ...fast, ...late }))
        assert.deepInclude(reason, { _tag: "WaitTimeout", goal: "ssh-ready", status: "running" })
      })
    )
  })
})
