import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Fs from "node:fs"
import { describeWith } from "@toehold/lab/RealPart"
import { attemptsOf, close, type ErrorDocument, jsonOf, layerWith, open, rented } from "./support/vast.ts"

describeWith(["sshd", "private-accounts"], "the host keys of vast:ID", () => {
  it.layer(layerWith(), { excludeTestServices: true })((it) => {
    it.effect("is known by its number at each of its addresses, and by no address", () =>
      Effect.gen(function* () {
        const { exec, instance, lab, machine } = yield* rented
        yield* exec("true")
        yield* close(instance.direct)
        const byProxy = yield* exec("echo", "by the proxy")
        assert.strictEqual(byProxy.json.stdout, "by the proxy\n", byProxy.stdout)
        const file = Fs.readFileSync(lab.knownHosts, "utf8")
        assert.match(file, new RegExp(`^vast-${instance.id}-direct ssh-`, "m"))
        assert.match(file, new RegExp(`^vast-${instance.id}-proxy ssh-`, "m"))
        assert.notInclude(file, "127.0.0.1")
        const listed = yield* lab.run(["hosts", "list", machine, ...lab.login.slice(0, 4), "--json"])
        const { hosts } = jsonOf<{ hosts: ReadonlyArray<{ hosts: string }> }>(listed)
        assert.deepStrictEqual(
          new Set(hosts.map(({ hosts }) => hosts)),
          new Set([`vast-${instance.id}-direct`, `vast-${instance.id}-proxy`])
        )
        yield* close(instance.proxy)
        const { json, exitCode } = yield* exec("true")
        assert.deepStrictEqual([json.error.reason, json.error.outcome, exitCode], ["RoutesFailed", "did-not-run", 255])
        assert.deepStrictEqual(
          attemptsOf(json).map(({ error, port, route }) => [route, port, error.reason]),
          [
            ["direct", instance.direct?.port ?? 0, "ConnectionRefused"],
            ["proxy", instance.proxy?.port ?? 0, "ConnectionRefused"]
          ]
        )
        const doctor = yield* lab.run(["doctor", machine, ...lab.login])
        assert.strictEqual(doctor.exitCode, 69, doctor.stdout)
        yield* open(instance.direct)
        yield* open(instance.proxy)
      })
    )

    it.effect("that this program recycled is met like a new one, its old keys forgotten", () =>
      Effect.gen(function* () {
        const { exec, instance, lab, machine } = yield* rented
        yield* exec("true")
        const files = lab.login.slice(0, 4)
        const recycle = yield* lab.run(["vast", "recycle", `${instance.id}`, "--yes", ...files])
        assert.deepStrictEqual([recycle.exitCode, /forgotten/.test(recycle.stdout)], [0, true], recycle.stdout)
        yield* instance.settled
        assert.strictEqual((yield* exec("true")).exitCode, 0)
        const strict = yield* lab.run(["exec", machine, ...lab.login, "--host-key", "strict", "--", "true"])
        assert.strictEqual(strict.exitCode, 0, "its new key is on file")
      })
    )

    it.effect("that was recycled elsewhere is refused, known by its number, and told with what to do", () =>
      Effect.gen(function* () {
        const { exec, instance, lab, machine } = yield* rented
        yield* exec("true")
        yield* lab.simulator.order(instance.id, "recycle")
        yield* instance.settled
        const changed = yield* exec("true")
        assert.strictEqual(changed.json.error.reason, "RoutesFailed", changed.stdout)
        assert.deepStrictEqual(
          attemptsOf(changed.json).map(({ error }) => error.reason),
          // The proxy's key was never on file, and is not put there in this moment.
          ["HostKeyChanged", "HostKeyUnknown"]
        )
        assert.match(changed.json.error.fix, new RegExp(`^It was recycled.*toehold hosts forget ${machine}`))
        assert.isTrue(changed.json.error.details["wasMadeAnew"])
        const wait = yield* lab.run(["vast", "wait", `${instance.id}`, ...lab.login, "--json"])
        assert.deepStrictEqual([jsonOf<ErrorDocument>(wait).error.reason, wait.exitCode], ["RoutesFailed", 77])
        assert.isTrue(jsonOf<ErrorDocument>(wait).error.details["wasMadeAnew"])
        const up = yield* lab.run(["up", machine, "--no-app", "--json", ...lab.login])
        assert.strictEqual(jsonOf<ErrorDocument>(up).error.reason, "HostKeyChanged", up.stdout)
        assert.include(jsonOf<ErrorDocument>(up).error.fix, `toehold up ${machine} --new-host-key`)
        assert.strictEqual((yield* lab.run(["hosts", "forget", machine, ...lab.login.slice(0, 4)])).exitCode, 0)
        assert.strictEqual((yield* exec("true")).exitCode, 0)
      })
    )

    it.effect("has its keys put on file when they are trusted, each for its own address", () =>
      Effect.gen(function* () {
        const { instance, lab, machine } = yield* rented
        const strict = [...lab.login, "--host-key", "strict"]
        const unknown = yield* lab.run(["exec", machine, ...strict, "--json", "--", "true"])
        const { error } = jsonOf<ErrorDocument>(unknown)
        assert.include(error.fix, `toehold hosts trust ${machine}`)
        const wait = yield* lab.run(["vast", "wait", `${instance.id}`, ...strict, "--json"])
        assert.deepStrictEqual([jsonOf<ErrorDocument>(wait).error.reason, wait.exitCode], ["RoutesFailed", 77])
        const trust = yield* lab.run(["hosts", "trust", machine, ...lab.login, "--json"])
        const { keys } = jsonOf<{ keys: ReadonlyArray<{ host: string; fingerprint: string; status: string }> }>(trust)
        assert.deepStrictEqual(
          keys.map(({ host, status }) => [host, status]),
          [
            [`vast-${instance.id}-direct`, "added"],
            [`vast-${instance.id}-proxy`, "added"]
          ]
        )
        assert.notStrictEqual(keys[0]?.fingerprint, keys[1]?.fingerprint)
        assert.strictEqual((yield* lab.run(["exec", machine, ...strict, "--", "true"])).exitCode, 0)
        const wrong = ["--fingerprint", `SHA256:${"A".repeat(43)}`]
        const refused = yield* lab.run(["hosts", "trust", machine, ...lab.login, ...wrong, "--json"])
        assert.deepStrictEqual([jsonOf<ErrorDocument>(refused).error.reason, refused.exitCode], ["RoutesFailed", 77])
      })
    )

    it.effect("is not taken for another's instance at a port of its own", () =>
      Effect.gen(function* () {
        const { exec, instance } = yield* rented
        const other = yield* rented
        yield* exec("true")
        const mark = `/tmp/wrong-${instance.id}`
        instance.direct?.lead(other.instance.direct?.port ?? 0)
        const refused = yield* exec("touch", mark)
        assert.deepStrictEqual(
          attemptsOf(refused.json).map(({ error }) => error.reason),
          ["HostKeyChanged", "HostKeyUnknown"]
        )
        assert.isFalse(refused.json.error.details["wasMadeAnew"])
        assert.notInclude(refused.json.error.fix, "It was recycled")
        assert.strictEqual((yield* other.exec("test", "-e", mark)).exitCode, 1)
      })
    )
  })
})
