import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Failure } from "@toehold/lab/VastSimulator"
import { type ErrorDocument, jsonOf, layerWith, planted, VastLab } from "./support/vast.ts"

/** How the service fails, for good, and what the program makes of it. */
const failures: ReadonlyArray<
  readonly [failure: Failure, words: ReadonlyArray<string>, reason: string, exitCode: number]
> = [
  ["wrong-key-404", ["instances"], "Unauthorized", 77],
  ["wrong-key-401", ["show", "41000001"], "Unauthorized", 77],
  ["two-factor", ["keys", "list"], "TwoFactorRequired", 77],
  ["forbidden", ["stop", "41000001"], "Forbidden", 77],
  ["not-json", ["env", "list"], "InvalidResponse", 69],
  ["bad-gateway", ["reboot", "41000001"], "ServerError", 69],
  ["cut", ["recycle", "41000001", "--yes"], "Transport", 69],
  ["rate-limit-text", ["execute", "41000001", "ls"], "RateLimited", 75],
  ["billed", ["create", "OFFER", "--image", "x"], "BilledButFailed", 1]
]

describe("toehold vast", () => {
  it.layer(layerWith({ servers: "in-process" }), { excludeTestServices: true })((it) => {
    it.effect.each(failures)("says what %s means, and exits accordingly", ([failure, words, reason, exitCode]) =>
      Effect.gen(function* () {
        const { run, simulator } = yield* VastLab
        const { offers } = jsonOf<{ offers: ReadonlyArray<{ id: number }> }>(yield* run(["vast", "offers", "--json"]))
        yield* simulator.failNext(failure)
        const ran = yield* run([
          "vast",
          ...words.map((word) => (word === "OFFER" ? `${offers[0]?.id}` : word)),
          "--json"
        ])
        const { error } = jsonOf<ErrorDocument>(ran)
        assert.deepStrictEqual([error.reason, ran.exitCode], [reason, exitCode], error.message)
        assert.isNotEmpty(error.fix)
        if (reason === "BilledButFailed") assert.isNumber(error.details["contract"])
      })
    )

    it.effect("has no key, and says where it looked", () =>
      Effect.gen(function* () {
        const { folder, run } = yield* VastLab
        const none = { platform: { env: { VAST_API_KEY: "" } } }
        const ran = yield* run(["vast", "instances", "--json"], none)
        const { error } = jsonOf<ErrorDocument>(ran)
        assert.deepStrictEqual([error.reason, ran.exitCode, error.outcome], ["KeyMissing", 77, "did-not-run"])
        assert.include(error.message, `${folder}/.config/vastai/vast_api_key`)
        const exec = yield* run(["exec", "vast:41000001", "--json", "--", "true"], none)
        assert.deepStrictEqual([jsonOf<ErrorDocument>(exec).error.reason, exec.exitCode], ["KeyMissing", 255])
      })
    )

    it.effect("knows no such instance, and no such offer", () =>
      Effect.gen(function* () {
        const { run } = yield* VastLab
        for (const words of [
          ["show", "49999999"],
          ["create", "1", "--image", "x"]
        ]) {
          const ran = yield* run(["vast", ...words, "--json"])
          assert.strictEqual(ran.exitCode, 66, ran.stdout)
        }
        const exec = yield* run(["exec", "vast:49999999", "--json", "--", "true"])
        assert.deepStrictEqual([jsonOf<ErrorDocument>(exec).error.reason, exec.exitCode], ["NotFound", 255])
        const doctor = yield* run(["doctor", "vast:49999999", "--json"])
        assert.strictEqual(doctor.exitCode, 66, doctor.stdout)
      })
    )

    it.effect("refuses what is no instance, before anything is asked", () =>
      Effect.gen(function* () {
        const { run, simulator } = yield* VastLab
        const before = (yield* simulator.requests).length
        for (const words of [
          ["show", "web"],
          ["destroy", "all", "--yes"],
          ["create", "12", "--disk", "5"],
          ["create", "12", "--image", "x", "--expose", "70000"],
          ["execute", "1", "nvidia-smi"],
          ["keys", "detach", "1", "SHA256:x"],
          ["env", "set", "A"],
          ["env", "set", "A", "--value-env", "NOT_SET"],
          ["wait", "1", "--for", "ssh"]
        ]) {
          const ran = yield* run(["vast", ...words])
          assert.deepStrictEqual([ran.exitCode, ran.stdout], [64, ""], words.join(" "))
        }
        assert.strictEqual((yield* simulator.requests).length, before)
      })
    )

    it.effect("waits for nothing that can't come", () =>
      Effect.gen(function* () {
        const { run, simulator } = yield* VastLab
        for (const fate of ["bad-image", "container-error"] as const) {
          const { id } = yield* simulator.rent({ fate })
          const ran = yield* run(["vast", "wait", `${id}`, "--interval", "20ms", "--timeout", "30s", "--json"])
          const { error } = jsonOf<ErrorDocument>(ran)
          assert.deepStrictEqual([error.reason, ran.exitCode], ["InstanceFailed", 1], error.message)
          const exec = yield* run(["exec", `vast:${id}`, "--json", "--", "true"])
          assert.strictEqual(jsonOf<ErrorDocument>(exec).error.reason, "NotRunning")
        }
        const { id } = yield* simulator.rent({ fate: "loads" })
        const ran = yield* run(["vast", "wait", `${id}`, "--timeout", "1500ms", "--json"])
        assert.deepStrictEqual([jsonOf<ErrorDocument>(ran).error.reason, ran.exitCode], ["WaitTimeout", 124])
        const doctor = yield* run(["doctor", `vast:${id}`, "--json"])
        assert.strictEqual(doctor.exitCode, 75, doctor.stdout)
      })
    )

    it.effect("shows no secret that it was given", () =>
      Effect.gen(function* () {
        const { env, run, simulator } = yield* VastLab
        const secret = { platform: { env: { TOKEN: planted } } }
        const shown: Array<string> = []
        for (const words of [
          ["create", "12", "--image", "x", "--env-from", "TOKEN", "--image-login-env", "TOKEN"],
          ["env", "set", "TOKEN", "--value-env", "TOKEN"]
        ]) {
          for (const more of [["--json"], ["--log-level", "debug", "--log-format", "json"]]) {
            yield* simulator.failNext("forbidden")
            const { stderr, stdout } = yield* run(["vast", ...words, ...more], secret)
            shown.push(stdout, stderr)
          }
        }
        assert.notInclude(shown.join("\n"), planted)
        assert.notInclude(shown.join("\n"), env["VAST_API_KEY"] ?? "")
      })
    )
  })
})
