import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { commandLines } from "@toehold/lab/RunningProcesses"
import * as Http from "node:http"
import * as CostGuard from "../src/CostGuard.ts"
import * as MachineFacts from "../src/MachineFacts.ts"
import { layer, Site } from "./support/site.ts"
import { until } from "./support/until.ts"

const key = "planted-instance-key-31337"

interface Call {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly authorization: string | undefined
  readonly body: string
}

/** An API that refuses as many calls as it is told to, and looks at all processes while it is called. */
const api = (refusals: number) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly calls: Array<Call>; readonly close: () => void }>((resume) => {
      const calls: Array<Call> = []
      const server = Http.createServer((request, response) => {
        let body = ""
        request.on("data", (chunk: Buffer) => void (body += chunk.toString()))
        request.on("end", () => {
          assert.notInclude(commandLines().join("\n"), key)
          calls.push({ method: request.method, url: request.url, authorization: request.headers.authorization, body })
          response.writeHead(calls.length <= refusals ? 502 : 200).end("{}")
        })
      }).listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = address === null || typeof address === "string" ? 0 : address.port
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, calls, close: () => void server.close() }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

const instance = { env: { CONTAINER_ID: "41000001", CONTAINER_API_KEY: key } }
const gather = MachineFacts.gather({ workspaces: ["~/workspace"] })

describe("CostGuard", () => {
  it.layer(layer(instance), { excludeTestServices: true })("on an instance", (it) => {
    it.effect("stops it by its own key when the time is over, with nobody connected, until the service did", () =>
      Effect.gen(function* () {
        const { filesWith } = yield* Site
        const { calls, url } = yield* api(1)
        const facts = yield* gather
        const options = { maxTime: "2 seconds", every: "1 second", api: url } as const
        const armed = yield* CostGuard.arm(options, facts)
        assert.deepStrictEqual([armed.skipped, armed.detail], [false, "the instance stops itself after 2s"])
        assert.isTrue((yield* CostGuard.arm(options, facts)).skipped)
        assert.lengthOf(calls, 0)
        yield* until(() => calls.length === 2)
        for (const call of calls) {
          assert.deepStrictEqual(call, {
            method: "PUT",
            url: "/api/v0/instances/41000001/",
            authorization: `Bearer ${key}`,
            body: '{"state": "stopped"}'
          })
        }
        yield* Effect.sleep("500 millis")
        assert.include(yield* CostGuard.report(facts), "asked Vast.ai to stop instance 41000001: 502")
        assert.deepStrictEqual(filesWith(key), [])
      }).pipe(Effect.scoped)
    )

    it.effect("stops one whose GPUs do nothing, and none whose GPUs work", () =>
      Effect.gen(function* () {
        const { program } = yield* Site
        const { calls, url } = yield* api(0)
        const facts = yield* gather
        program("nvidia-smi", "echo 3; echo 97")
        const options = { idleFor: "2 seconds", every: "1 second", api: url } as const
        yield* CostGuard.arm(options, facts)
        yield* Effect.sleep("4 seconds")
        assert.lengthOf(calls, 0)
        program("nvidia-smi", "echo 3; echo 0")
        yield* until(() => calls.length === 1)
        assert.strictEqual(calls[0]?.body, '{"state": "stopped"}')
        yield* CostGuard.disarm(facts)
      }).pipe(Effect.scoped)
    )
  })

  it.layer(layer(), { excludeTestServices: true })("on another machine", (it) => {
    it.effect("says what is missing", () =>
      Effect.gen(function* () {
        const facts = yield* gather
        const { reason } = yield* Effect.flip(CostGuard.arm({ maxTime: "1 hour" }, facts))
        assert.strictEqual(reason._tag, "GuardUnavailable")
        assert.include(reason.message, "CONTAINER_ID, CONTAINER_API_KEY")
      })
    )
  })
})
