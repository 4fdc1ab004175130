import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { type PartName, describeWith } from "@toehold/lab/RealPart"
import { SessionSteps } from "../src/SessionSteps.ts"
import * as Namespace from "./support/namespace.ts"

const parts: ReadonlyArray<PartName> = ["root", "private-accounts", "nsenter", "setpriv", "ip", "busybox"]

const config = { sessionId: "s1", repoUrl: "file:///tmp/x", vmId: "vm-1" }

const onNetwork = Effect.gen(function* () {
  const steps = yield* SessionSteps
  const console = yield* steps.console(config, {})
  const said: Array<string> = []
  const report = (line: string) => Effect.sync(() => void said.push(line))
  const run = (ip: string) => steps.network(config, { machine: { ip }, console }, report)
  const { gatewayPid = "", sh } = yield* Namespace.Root
  const inside = (text: string) => Effect.map(sh(text), (out) => out.trim())
  return { run, said, inside, gatewayPid }
})

const ready = {
  _tag: "Configured",
  interface: "eth0",
  address: "10.0.100.20/24",
  gateway: "10.0.100.1",
  gatewayAnswers: true,
  dns: "resolv.conf"
} as const

describeWith(parts, "The network of a machine that has none", () => {
  it.layer(Namespace.layer({ network: "gateway" }), { excludeTestServices: true })((it) => {
    it.effect("is set up, and set up again only where it is wrong", () =>
      Effect.gen(function* () {
        const { gatewayPid, inside, run, said } = yield* onNetwork
        assert.deepStrictEqual(yield* run("10.0.100.20"), { ...ready, changed: true })
        assert.deepStrictEqual(
          said.filter((line) => line.startsWith("Setting up")),
          ["Setting up the machine's network: loopback, link, address, route, dns, gateway"]
        )
        assert.strictEqual(yield* inside("cat /etc/resolv.conf"), "nameserver 1.1.1.1\nnameserver 8.8.8.8")
        assert.strictEqual(yield* inside("ip -4 -o addr show dev eth0 | wc -l"), "1")
        assert.include(yield* inside("ip route"), "default via 10.0.100.1 dev eth0")
        assert.deepStrictEqual(yield* run("10.0.100.20"), { ...ready, changed: false })

        // What a machine has that was resumed from another one's snapshot.
        const moved = yield* run("10.0.100.33")
        assert.deepStrictEqual(moved, { ...ready, address: "10.0.100.33/24", changed: true })
        assert.include(yield* inside("ip -4 -o addr show dev eth0"), "10.0.100.33/24")
        assert.strictEqual(yield* inside("ip -4 -o addr show dev eth0 | wc -l"), "1")

        yield* inside("ip route del default; ip link set lo down")
        assert.deepStrictEqual(yield* run("10.0.100.33"), { ...ready, address: "10.0.100.33/24", changed: true })

        yield* inside(`nsenter -t ${gatewayPid} -n ip link set gw0 down; ip neigh flush all`)
        const { reason } = yield* Effect.flip(run("10.0.100.33"))
        assert.deepInclude(reason, { _tag: "GatewaySilent", gateway: "10.0.100.1", interface: "eth0" })
        yield* inside(`nsenter -t ${gatewayPid} -n ip link set gw0 up`)
        assert.deepStrictEqual(yield* run("10.0.100.33"), { ...ready, address: "10.0.100.33/24", changed: false })
      })
    )

    it.effect("refuses an address of another network before anything is changed", () =>
      Effect.gen(function* () {
        const { run } = yield* onNetwork
        const { reason } = yield* Effect.flip(run("10.0.101.20"))
        assert.deepInclude(reason, { _tag: "AddressOutsideNetwork", address: "10.0.101.20", network: "10.0.100.0/24" })
      })
    )
  })

  it.layer(Namespace.layer({ network: "gateway", resolvConf: "search example.org\nnameserver 10.9.9.9\n" }), {
    excludeTestServices: true
  })((it) => {
    it.effect("keeps the name servers that the machine has", () =>
      Effect.gen(function* () {
        const { inside, run } = yield* onNetwork
        assert.deepStrictEqual(yield* run("10.0.100.20"), { ...ready, changed: true })
        assert.strictEqual(yield* inside("cat /etc/resolv.conf"), "search example.org\nnameserver 10.9.9.9")
      })
    )
  })

  it.layer(Namespace.layer({ network: "gateway", user: "agent" }), { excludeTestServices: true })((it) => {
    it.effect("is root's to change, and anybody's to look at", () =>
      Effect.gen(function* () {
        const { inside, run } = yield* onNetwork
        const { reason } = yield* Effect.flip(run("10.0.100.20"))
        assert.strictEqual(reason._tag, "NotPermitted", reason.message)
        yield* inside(
          "ip link set lo up; ip link set eth0 up; ip addr add 10.0.100.20/24 dev eth0; ip route add default via 10.0.100.1; " +
            "echo nameserver 10.9.9.9 >/etc/resolv.conf"
        )
        assert.deepStrictEqual(yield* run("10.0.100.20"), { ...ready, changed: false })
      })
    )
  })

  it.layer(Namespace.layer({ network: "none" }), { excludeTestServices: true })((it) => {
    it.effect("needs an interface", () =>
      Effect.gen(function* () {
        const { run } = yield* onNetwork
        const { reason } = yield* Effect.flip(run("10.0.100.20"))
        assert.strictEqual(reason._tag, "InterfaceMissing")
      })
    )
  })
})
