import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Instance } from "@toehold/vast-api/Instance"
import { VastClient } from "@toehold/vast-api/VastClient"
import * as Crypto from "node:crypto"
import * as Provision from "../src/Provision.ts"
import * as Access from "../src/ProvisionAccess.ts"
import type { ProvisionEvent } from "../src/ProvisionEvent.ts"

const keyOf = (name: string, problem?: string): Access.Identity => {
  const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), Buffer.from(`ssh-ed25519${name}`)])
  return {
    path: `/home/me/.ssh/${name}`,
    keyType: name.includes("rsa") ? "ssh-rsa" : "ssh-ed25519",
    fingerprint: `SHA256:${Crypto.createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`,
    publicKey: `ssh-ed25519 ${blob.toString("base64")} me`,
    ...(problem === undefined ? {} : { problem: { message: problem, fix: "Mend it." } })
  }
}

const vastKey = keyOf("id_vast")
const homeKey = keyOf("id_ed25519")
const rsaKey = keyOf("id_rsa")

const instanceOf = (fields: object): Instance =>
  Schema.decodeSync(Instance)({
    id: 7,
    actual_status: "running",
    intended_status: "running",
    image_runtype: "ssh",
    public_ipaddr: "203.0.113.7",
    ports: { "22/tcp": [{ HostIp: "0.0.0.0", HostPort: "40100" }] },
    ssh_host: "ssh5.vast.ai",
    ssh_port: 12345,
    start_date: 1000,
    machine_id: 5,
    ...fields
  })

interface World {
  readonly identities?: ReadonlyArray<Access.Identity>
  /** What each login comes to; the last one goes on. */
  readonly logins?: ReadonlyArray<Access.LoginFailure | "in">
  readonly probe?: (kind: string, look: number) => Access.PortReport["state"]
  readonly attached?: ReadonlyArray<Access.Identity>
  readonly registered?: ReadonlyArray<Access.Identity>
  readonly instance?: object
  readonly remembered?: string
}

const keys = (identities: ReadonlyArray<Access.Identity>) =>
  Effect.succeed(identities.map(({ publicKey }, id) => ({ id, name: null, public_key: publicKey, created_at: null })))

/** Runs the way in, in a world of its own; time passes as fast as it can. */
const enter = Effect.fnUntraced(function* (world: World, options: Provision.UpOptions = {}) {
  const calls: Array<string> = []
  const events: Array<ProvisionEvent> = []
  const requests: Array<Access.LoginRequest> = []
  const { logins = ["in"], probe = () => "open", attached = [vastKey], registered = [] } = world
  const looks = { direct: 0, proxy: 0 }
  let instance = instanceOf(world.instance ?? {})
  // Only the calls that the way in makes.
  const client = Layer.succeed(VastClient, {
    instances: {
      look: () => Effect.sync(() => instance),
      start: () =>
        Effect.sync(() => {
          calls.push("start")
          instance = instanceOf({})
        }),
      logs: () => Effect.succeed("first\nlast words\n")
    },
    instanceKeys: {
      list: () => keys(attached),
      attach: (_: number, key: string) => Effect.sync(() => (calls.push(`attach ${key}`), "attached" as const))
    },
    sshKeys: {
      list: keys(registered),
      create: (key: string) =>
        Effect.sync(() => (calls.push(`create ${key}`), { id: 1, name: null, public_key: key, created_at: null }))
    }
  } as unknown as VastClient["Service"])
  const access = Access.ProvisionAccess.of({
    identities: Effect.succeed({ identities: world.identities ?? [vastKey], searched: ["~/.ssh"] }),
    probe: ({ kind }) => Effect.sync(() => ({ state: probe(kind, ++looks[kind]), detail: "" })),
    login: (request) => {
      const outcome = logins[Math.min(requests.length, logins.length - 1)] ?? "in"
      requests.push(request)
      // Nothing is run on it here.
      return outcome === "in" ? Effect.succeed({} as Access.OpenMachine) : Effect.fail(outcome)
    },
    remembered: () => Effect.succeed(world.remembered),
    remember: (_, mark) => Effect.sync(() => void calls.push(`remember ${mark}`))
  })
  const fiber = yield* Provision.enter(7, {
    ...options,
    onEvent: (event) => Effect.sync(() => void events.push(event))
  }).pipe(
    Effect.result,
    Effect.scoped,
    Effect.provide(client),
    Effect.provideService(Access.ProvisionAccess, access),
    Effect.forkChild
  )
  yield* TestClock.adjust("30 minutes")
  const result = yield* Fiber.join(fiber)
  const words = events.flatMap((event) => (event._tag === "Progress" || event._tag === "Done" ? [event.detail] : []))
  return { result, calls, events, requests, words }
})

type Run = Effect.Success<ReturnType<typeof enter>>

const reasonOf = ({ result }: Run) => (result._tag === "Failure" ? result.failure.reason : assert.fail("it came in"))
const keyIn = ({ result }: Run) => (result._tag === "Success" ? result.success.identity.path : result.failure.message)

const denied: Access.LoginFailure = { _tag: "Denied", tried: [vastKey.fingerprint], message: "no" }

describe("Provision.enter", () => {
  it.effect("takes id_vast first, then Ed25519, then the others, but one that the instance knows before all", () =>
    Effect.gen(function* () {
      const all = [rsaKey, homeKey, vastKey]
      assert.strictEqual(keyIn(yield* enter({ identities: all, attached: all })), vastKey.path)
      const without = [rsaKey, homeKey]
      assert.strictEqual(keyIn(yield* enter({ identities: without, attached: without })), homeKey.path)
      assert.strictEqual(keyIn(yield* enter({ identities: all, attached: [rsaKey] })), rsaKey.path)
      const broken = [keyOf("id_vast", "others can read it")]
      const unusable = reasonOf(yield* enter({ identities: broken }))
      assert.strictEqual(unusable._tag, "IdentityUnusable")
      assert.include(unusable.message, "others can read it")
      assert.strictEqual(reasonOf(yield* enter({ identities: [] }))._tag, "NoIdentity")
    })
  )

  it.effect("registers and attaches only when told to, and says what is missing", () =>
    Effect.gen(function* () {
      const unknown = reasonOf(yield* enter({ attached: [homeKey], registered: [rsaKey] }))
      assert.strictEqual(unknown._tag, "KeyNotRegistered")
      for (const { fingerprint } of [vastKey, homeKey, rsaKey]) assert.include(unknown.message, fingerprint)
      const told = yield* enter({ attached: [], registered: [] }, { register: true })
      assert.deepStrictEqual(told.calls.slice(0, 2), [`attach ${vastKey.publicKey}`, `create ${vastKey.publicKey}`])
      const owned = yield* enter({ attached: [], registered: [vastKey] })
      assert.strictEqual(keyIn(owned), vastKey.path)
      const known = yield* enter({}, { register: true })
      assert.deepStrictEqual(known.calls, ["remember 5 1000"])
    })
  )

  it.effect("starts a stopped instance only when told to, and ends with the log of one that fails", () =>
    Effect.gen(function* () {
      const stopped = { actual_status: "exited", intended_status: "stopped" }
      assert.strictEqual(reasonOf(yield* enter({ instance: stopped }))._tag, "InstanceStopped")
      const started = yield* enter({ instance: stopped }, { start: true })
      assert.include(started.calls, "start")
      assert.strictEqual(keyIn(started), vastKey.path)
      const broken = { actual_status: "created", status_msg: "Error: OCI runtime create failed: no device\n" }
      const failed = reasonOf(yield* enter({ instance: broken }))
      assert.strictEqual(failed._tag, "InstanceFailed")
      assert.include(failed.message, "last words")
    })
  )

  it.effect("waits for a port that is refused, goes by the address that answers, and knows a firewall", () =>
    Effect.gen(function* () {
      const late = yield* enter({ probe: (_, look) => (look < 40 ? "refused" : "open") })
      assert.strictEqual(keyIn(late), vastKey.path)
      const half = yield* enter({ probe: (kind) => (kind === "direct" ? "filtered" : "open") })
      assert.deepStrictEqual(
        half.requests.map(({ address }) => address.kind),
        ["proxy"]
      )
      const walled = reasonOf(yield* enter({ probe: () => "filtered" }))
      assert.strictEqual(walled._tag, "PortFiltered")
      const never = reasonOf(yield* enter({ probe: (kind) => (kind === "direct" ? "filtered" : "closed") }))
      assert.strictEqual(never._tag, "PortClosed")
      const without = { public_ipaddr: null, ports: null, ssh_host: null, ssh_port: null }
      assert.strictEqual(reasonOf(yield* enter({ instance: without }))._tag, "NoAddress")
    })
  )

  it.effect("takes a refused key for one that is on its way, for two minutes", () =>
    Effect.gen(function* () {
      const direct = { ssh_host: null }
      const late = yield* enter({ logins: [denied, denied, denied, "in"], instance: direct })
      assert.strictEqual(late.requests.length, 4)
      assert.deepStrictEqual(
        late.words.filter((detail) => detail.includes("not in place")).map((detail) => /\d+ s/.exec(detail)?.[0]),
        ["120 s", "105 s", "90 s"]
      )
      const never = yield* enter({ logins: [denied], instance: direct, registered: [homeKey] })
      const reason = reasonOf(never)
      assert.strictEqual(reason._tag, "LoginDenied")
      assert.strictEqual(never.requests.length, 9)
      for (const { fingerprint } of [vastKey, homeKey]) assert.include(reason.message, fingerprint)
      assert.include(reason.fix, "reboot")
      const both = yield* enter({ logins: [denied, "in"] })
      assert.deepStrictEqual(
        both.requests.map(({ address }) => address.kind),
        ["direct", "proxy"]
      )
    })
  )

  it.effect("takes a new host key only when the user says so, and says whether the container was made anew", () =>
    Effect.gen(function* () {
      const changed: Access.LoginFailure = { _tag: "HostKeyChanged", message: "another key" }
      const refused = Effect.fnUntraced(function* (remembered?: string) {
        const entered = yield* enter({
          logins: [changed, "in"],
          ...(remembered === undefined ? {} : { remembered })
        })
        assert.lengthOf(entered.requests, 1)
        assert.isFalse(entered.requests[0]?.renewHostKey)
        const reason = reasonOf(entered)
        return reason._tag === "HostKeyChanged" ? reason : assert.fail(reason._tag)
      })
      assert.isFalse((yield* refused()).wasMadeAnew)
      assert.isFalse((yield* refused("5 1000")).wasMadeAnew)
      const elsewhere = yield* refused("5 900")
      assert.isTrue(elsewhere.wasMadeAnew)
      assert.include(elsewhere.message, "it was recycled")
      assert.include(elsewhere.fix, "toehold up vast:7 --new-host-key")
      assert.isTrue((yield* refused("recycled")).wasMadeAnew)
      const told = yield* enter({ logins: ["in"], remembered: "5 1000" }, { newHostKey: true })
      assert.isTrue(told.requests[0]?.renewHostKey)
    })
  )

  it.effect("says that it is still at it while a step is silent", () =>
    Effect.gen(function* () {
      const { events } = yield* enter({ probe: (_, look) => (look < 60 ? "refused" : "open") })
      const beats = events.filter((event) => event._tag === "Heartbeat" && event.step === "port")
      assert.isAtLeast(beats.length, 4)
    })
  )
})
