import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import { FetchHttpClient } from "effect/http"
import type * as Instance from "../src/Instance.ts"
import { make, VastClient } from "../src/VastClient.ts"
import { fixture } from "./support/fixtures.ts"
import { type Answer, answerOf, layer, play, type Script, Server } from "./support/server.ts"

const instancesOf = (name: string): ReadonlyArray<Record<string, unknown>> =>
  (fixture(name).response.body as { instances: ReadonlyArray<Record<string, unknown>> }).instances // as the file has it

const [template = {}] = instancesOf("20")

const page = (ids: ReadonlyArray<number>, next: string | null): Answer => ({
  body: { success: true, instances: ids.map((id) => ({ ...template, id })), next_token: next }
})

const reasonOf = (script: Script) =>
  Effect.gen(function* () {
    yield* (yield* Server).use(script)
    const { reason } = yield* Effect.flip((yield* VastClient).instances.list)
    return reason
  })

describe("VastClient", () => {
  it.layer(layer, { excludeTestServices: true })((it) => {
    it.effect("lists page after page", () =>
      Effect.gen(function* () {
        const server = yield* Server
        yield* server.use(play("20", "21"))
        const all = yield* (yield* VastClient).instances.list
        assert.deepStrictEqual(
          all.map(({ id }: Instance.Instance) => id),
          [41000001, 41000002, 41000003, 41000004, 41000005, 41000007]
        )
        const tokens = (yield* server.seen).map(({ query }) => query["after_token"])
        assert.deepStrictEqual(tokens, [undefined, "eyJ2YWx1ZXMiOiB7ImlkIjogNDEwMDAwMDJ9fQ=="])
      })
    )

    it.effect("ends a list whose cursor repeats, whose pages are too long, or bring nothing new", () =>
      Effect.gen(function* () {
        const repeats = yield* reasonOf((_, count) => page([count], "again"))
        const grows = yield* reasonOf((_, count) =>
          page(
            Array.from({ length: 20 + count * 10 }, (_, at) => at + count * 100),
            `t${count}`
          )
        )
        const stands = yield* reasonOf((_, count) => page([1, 2], `t${count}`))
        const paths = [repeats, grows, stands].map((reason) => [reason._tag, "path" in reason ? reason.path : ""])
        assert.deepStrictEqual(paths, [
          ["InvalidResponse", "next_token"],
          ["InvalidResponse", "instances"],
          ["InvalidResponse", "next_token"]
        ])
      })
    )

    it.effect("ends a list without end", () =>
      Effect.gen(function* () {
        const reason = yield* reasonOf((_, count) => page([count], `t${count}`))
        assert.deepStrictEqual(
          [reason._tag, "detail" in reason && reason.detail],
          ["InvalidResponse", "there are more than 400 pages"]
        )
      })
    )

    it.effect("names the path of what it does not understand, and not the value", () =>
      Effect.gen(function* () {
        yield* (yield* Server).use(() => ({
          body: { instances: { ...template, ports: { "22/tcp": [{ HostPort: "s3cret" }] } } }
        }))
        const { reason } = yield* Effect.flip((yield* VastClient).instances.show(41000001))
        assert.deepInclude(reason, { _tag: "InvalidResponse", path: "instances.ports.22/tcp.0.HostPort" })
        assert.notInclude(JSON.stringify(reason), "s3cret")
      })
    )

    it.effect("does not take another instance for the one that was asked for", () =>
      Effect.gen(function* () {
        yield* (yield* Server).use(play("10"))
        const { reason } = yield* Effect.flip((yield* VastClient).instances.show(41000002))
        assert.deepInclude(reason, { _tag: "InvalidResponse", path: "instances.id" })
      })
    )

    it.effect("repeats what may be repeated", () =>
      Effect.gen(function* () {
        const server = yield* Server
        yield* server.use((_, count) =>
          count === 0
            ? { status: 502, contentType: "text/html", body: "<html>" }
            : count === 1
              ? "cut"
              : answerOf(fixture("50"))
        )
        yield* (yield* VastClient).instances.stop(41000001)
        assert.strictEqual((yield* server.seen).length, 3)
      })
    )

    it.effect("gives up in the end", () =>
      Effect.gen(function* () {
        const server = yield* Server
        yield* server.use(() => "cut")
        const error = yield* Effect.flip((yield* VastClient).user)
        assert.deepStrictEqual(
          [error.reason._tag, error.outcome, error.isRetryable],
          ["Transport", "may-have-run", true]
        )
        assert.strictEqual((yield* server.seen).length, 4)
      })
    )

    const once = {
      reboot: ({ instances }) => instances.reboot(41000001),
      recycle: ({ instances }) => instances.recycle(41000001),
      execute: ({ instances }) => instances.execute(41000001, "rm -r /x"),
      copy: ({ instances }) => instances.copy({ instance: 1, path: "/a" }, { instance: 2, path: "/b" }),
      key: ({ sshKeys }) => sshKeys.create("ssh-ed25519 AAAA"),
      apiKey: ({ apiKeys }) => apiKeys.create("ci"),
      variable: ({ envVars }) => envVars.create("A", Redacted.make("b"))
    } satisfies Record<string, (client: VastClient["Service"]) => Effect.Effect<unknown, unknown>>

    for (const [name, call] of Object.entries(once)) {
      it.effect(`never repeats: ${name}`, () =>
        Effect.gen(function* () {
          const server = yield* Server
          for (const answer of [{ status: 502, body: "" }, { status: 429, body: "threshold=0.01" }, "cut"] as const) {
            yield* server.use(() => answer)
            const result = yield* Effect.result(call(yield* VastClient))
            assert.isTrue(Result.isFailure(result))
            assert.strictEqual((yield* server.seen).length, 1)
          }
        })
      )
    }

    it.effect("waits for logs, and asks for them without the key", () =>
      Effect.gen(function* () {
        const server = yield* Server
        yield* server.use(({ path }, count) =>
          path.startsWith("/api")
            ? answerOf(fixture("60"))
            : count < 2
              ? { status: 403, body: "<Error/>" }
              : answerOf(fixture("61"))
        )
        const text = yield* (yield* VastClient).instances.logs(41000001, { tail: 200 })
        assert.include(text, "https://blog-devoted-pos-angela.trycloudflare.com")
        const seen = yield* server.seen
        assert.deepStrictEqual(seen[0]?.body, { tail: "200" })
        assert.deepStrictEqual(
          seen.map(({ authorization }) => authorization !== undefined),
          [true, false, false]
        )
      })
    )

    it.effect("says when logs don't appear", () =>
      Effect.gen(function* () {
        yield* (yield* Server).use(({ path }) =>
          path.startsWith("/api") ? answerOf(fixture("60")) : { status: 404, body: "" }
        )
        const { reason } = yield* Effect.flip((yield* VastClient).instances.logs(41000001, { timeout: "20 millis" }))
        assert.strictEqual(reason._tag, "ResultTimeout")
      })
    )

    it.effect("shows paths as they are inside of the instance", () =>
      Effect.gen(function* () {
        yield* (yield* Server).use(({ path }) => answerOf(fixture(path.startsWith("/api") ? "62" : "62b")))
        const text = yield* (yield* VastClient).instances.execute(41000001, "ls -l")
        assert.strictEqual(text, "total 4\n-rw-r--r-- 1 root root 12 Sep  1 12:00 /hello\n")
      })
    )

    it.effect("knows that a request which was never sent did nothing, and does not look for its instance", () =>
      Effect.gen(function* () {
        const nowhere = yield* make({ apiKey: Redacted.make("k"), baseUrl: "http://127.0.0.1:40", retries: 0 })
        for (const call of [Effect.asVoid(nowhere.user), Effect.asVoid(nowhere.instances.create(5, { image: "x" }))]) {
          const error = yield* Effect.flip(call)
          assert.deepStrictEqual([error.reason._tag, error.outcome], ["Transport", "did-not-run"])
        }
      }).pipe(Effect.provide(FetchHttpClient.layer))
    )
  })
})
