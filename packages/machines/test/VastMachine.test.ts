import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Result, Schema } from "effect"
import * as SshError from "@toehold/ssh-core/SshError"
import type * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import { Instance } from "@toehold/vast-api/Instance"
import * as VastMachine from "../src/VastMachine.ts"
import * as VastName from "../src/VastName.ts"

const instance = Schema.decodeSync(Instance)({
  id: 41000001,
  actual_status: "running",
  public_ipaddr: "203.0.113.11\n",
  ports: { "22/tcp": [{ HostIp: "0.0.0.0", HostPort: "40100" }] },
  ssh_host: "ssh5.vast.ai",
  ssh_port: 12344,
  image_runtype: "jupyter_direc ssh_direc ssh_proxy"
})

const located: VastMachine.Located = {
  id: instance.id,
  instance,
  routes: Result.getOrThrow(VastMachine.routes(instance))
}

const refused = SshError.make(new SshError.ConnectionRefused({ host: "203.0.113.11", port: 40100 }))
const rejected = SshError.make(
  new SshError.AuthRejected({ host: "ssh5.vast.ai", port: 12345, user: "root", attempts: [], serverOffers: [] })
)
const changed = SshError.make(
  new SshError.HostKeyChanged({ host: "h", port: 1, keyType: "ssh-ed25519", fingerprint: "SHA256:x", known: [] })
)
const unreadable = SshError.make(new SshError.KeyUnreadable({ path: "k", detail: "d" }))

/** Tries the ways, each with its own outcome, and notes what it was told to log in with. */
const enter = (outcomes: Readonly<Record<string, SshError.SshError | "in">>, login: SshLogin.Options = {}) =>
  Effect.gen(function* () {
    const tried: Array<readonly [kind: string, login: SshLogin.Options]> = []
    const result = yield* Effect.result(
      VastMachine.enter(located, login, ({ address: { kind } }, options) => {
        tried.push([kind, options])
        const outcome = outcomes[kind] ?? "in"
        return outcome === "in" ? Effect.succeed(kind) : Effect.fail(outcome)
      })
    )
    return { tried, result }
  })

describe("VastMachine", () => {
  it("knows the name of an instance from others", () => {
    assert.strictEqual(VastName.idOf("vast:41000001"), 41000001)
    for (const name of [
      "vast:",
      "vast:0",
      "vast:-1",
      "vast:1.5",
      "vast:x",
      "vast:1,vast:2",
      "vast:9".padEnd(40, "9"),
      "web"
    ]) {
      assert.isUndefined(VastName.idOf(name), name)
    }
  })

  it("has the direct way first, each with a host key of its own by the instance's number", () => {
    assert.deepStrictEqual(
      located.routes.map(({ address, target }) => [address.kind, SshTarget.format(target)]),
      [
        ["direct", "ssh -o hostkeyalias=vast-41000001-direct root@203.0.113.11:40100"],
        ["proxy", "ssh -o hostkeyalias=vast-41000001-proxy root@ssh5.vast.ai:12345"]
      ]
    )
  })

  it("takes the flags of ssh that say nothing else about where it is", () => {
    const [first] = Result.getOrThrow(VastMachine.routes(instance, { user: "me", identityFiles: ["k"] }))
    assert.strictEqual(first?.target.user, "me")
    assert.deepStrictEqual(first?.target.identityFiles, ["k"])
    const other = VastMachine.routes(instance, { port: 22 })
    assert.strictEqual(Result.isFailure(other) && other.failure.reason._tag, "InvalidTarget")
  })

  it.effect("goes on to the next way, which has all the time there is, and tells of the one before", () =>
    Effect.gen(function* () {
      const { result, tried } = yield* enter({ direct: refused })
      const entered = Result.getOrThrow(result)
      assert.deepStrictEqual([entered.value, entered.failed.map(({ error }) => error)], ["proxy", [refused]])
      const limits = tried.map(([, { connectTimeout }]) => connectTimeout)
      assert.deepStrictEqual(limits, [Duration.seconds(10), undefined])
    })
  )

  it.effect("leaves a limit that was given", () =>
    Effect.gen(function* () {
      const { tried } = yield* enter({ direct: refused }, { connectTimeout: "1 minute", hostKeyPolicy: "off" })
      for (const [, login] of tried) {
        assert.deepStrictEqual([login.connectTimeout, login.hostKeyPolicy], ["1 minute", "off"])
      }
    })
  )

  it.effect("has the reason of every way when none lets us in, and the fix of the one that says most", () =>
    Effect.gen(function* () {
      const { result } = yield* enter({ direct: refused, proxy: rejected })
      const error = Result.isFailure(result) ? result.failure : undefined
      assert(error?._tag === "MachineError" && error.reason._tag === "RoutesFailed")
      assert.deepStrictEqual(
        error.reason.attempts.map(({ command, error, route }) => [route, error.reason._tag, command]),
        [
          ["direct", "ConnectionRefused", "ssh -p 40100 -o HostKeyAlias=vast-41000001-direct root@203.0.113.11"],
          ["proxy", "AuthRejected", "ssh -p 12345 -o HostKeyAlias=vast-41000001-proxy root@ssh5.vast.ai"]
        ]
      )
      assert.include(error.message, "direct 203.0.113.11:40100")
      assert.include(error.message, "proxy ssh5.vast.ai:12345")
      assert.include(error.fix, "toehold vast keys attach 41000001")
      assert.deepStrictEqual([error.outcome, error.isRetryable], ["did-not-run", true])
    })
  )

  it.effect("trusts no unknown key after one that has changed", () =>
    Effect.gen(function* () {
      const { tried } = yield* enter({ direct: changed })
      assert.deepStrictEqual(
        tried.map(([, { hostKeyPolicy }]) => hostKeyPolicy),
        [undefined, "strict"]
      )
      const { result } = yield* enter({ direct: changed, proxy: refused })
      assert.include(Result.isFailure(result) ? result.failure.fix : "", "toehold hosts forget vast:41000001")
    })
  )

  it.effect("stops at once at what is wrong here", () =>
    Effect.gen(function* () {
      const { result, tried } = yield* enter({ direct: unreadable })
      assert.strictEqual(tried.length, 1)
      assert.deepStrictEqual(result, Result.fail(unreadable))
    })
  )

  it.effect("says so where there is no address yet", () =>
    Effect.gen(function* () {
      const nowhere = { ...located, routes: [] }
      const error = yield* Effect.flip(VastMachine.enter(nowhere, {}, () => Effect.die("nothing to try")))
      assert.include(error.message, "vast:41000001 has no address")
      assert.isTrue(error.isRetryable)
    })
  )
})
