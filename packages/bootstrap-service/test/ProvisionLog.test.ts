import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ProvisionLog from "../src/ProvisionLog.ts"

const of = (...lines: ReadonlyArray<string>) => ProvisionLog.read(`${lines.join("\n")}\n`)

describe("ProvisionLog", () => {
  it.each([
    ["provisioning started", "Provisioning complete!"],
    ["Provisioning complete:  Web UI will start now"],
    ["a warning: exit code 1 of a download", "2026-09-01 provisioning finished"]
  ])("knows a good end: %s", (...lines) => assert.strictEqual(of(...lines)._tag, "Succeeded"))

  it.each([
    ["HF_TOKEN", "ERROR: HF_TOKEN is not set: the models can't be downloaded", "Provisioning failed with exit code 1"],
    ["CIVITAI_TOKEN", "./provision.sh: line 12: CIVITAI_TOKEN: unbound variable"],
    ["HF_TOKEN", "401 Client Error: Unauthorized for url: https://huggingface.co/black-forest-labs/FLUX.1-dev"],
    ["GITHUB_API_TOKEN", "please set GITHUB_API_TOKEN"]
  ])("names %s as what is missing", (name, ...lines) => {
    const verdict = of(...lines)
    assert.strictEqual(verdict._tag, "SecretsMissing")
    assert.deepStrictEqual(verdict._tag === "SecretsMissing" ? verdict.names : [], [name])
  })

  it("takes the last word, for the log goes on at each start", () => {
    assert.strictEqual(of("ERROR: HF_TOKEN is not set", "Provisioning complete!")._tag, "Succeeded")
    assert.strictEqual(of("Provisioning complete!", "provisioning started", "downloading")._tag, "Unknown")
    assert.strictEqual(of("Provisioning complete!", "ERROR: no space left on device")._tag, "Failed")
  })

  it("says nothing of a log that says nothing", () => {
    assert.deepStrictEqual(of("", "downloading model 3 of 9"), { _tag: "Unknown", line: "downloading model 3 of 9" })
    assert.deepStrictEqual(ProvisionLog.read(""), { _tag: "Unknown", line: "" })
  })

  const words = Schema.Literals([
    "HF_TOKEN",
    " is not set",
    "401 ",
    "huggingface.co",
    "provisioning ",
    "failed",
    "done",
    "\n"
  ])
  it.prop(
    "answers for any text",
    { parts: Schema.Array(Schema.Union([Schema.String, words])) },
    ({ parts }) => assert.isAtMost(ProvisionLog.read(parts.join("")).line.length, 1000),
    { arbitrary: { runs: 300 } }
  )

  it("takes no time over a long log", () => {
    const began = performance.now()
    ProvisionLog.read("A_TOKEN ".repeat(100_000))
    ProvisionLog.read(`${"access to ".repeat(50_000)}\n`.repeat(3))
    ProvisionLog.read(`${"A".repeat(500_000)} is not set`)
    assert.isBelow(performance.now() - began, 2000)
  })
})
