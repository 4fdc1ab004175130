import { assert, describe, it } from "@effect/vitest"
import * as ChildProcess from "node:child_process"
import { Schema } from "effect"
import { checksum } from "../../src/internal/checksum.ts"

describe("checksum", () => {
  it.prop(
    "is what the programs print",
    { bytes: Schema.Uint8Array },
    ({ bytes }) => {
      const cksum = ChildProcess.execFileSync("cksum", { input: bytes, encoding: "utf8" })
      assert.strictEqual(checksum("cksum", bytes), cksum.trim())
    },
    { arbitrary: { runs: 20 } }
  )

  it("is what the programs print for more than a byte's worth of length", () => {
    const bytes = Buffer.alloc(70_001, "abc")
    const run = (program: string, ...args: ReadonlyArray<string>) =>
      ChildProcess.execFileSync(program, args, { input: bytes, encoding: "utf8" })
    assert.strictEqual(checksum("cksum", bytes), run("cksum").trim())
    assert.strictEqual(checksum("sha256sum", bytes), run("sha256sum").split(" ")[0])
    assert.strictEqual(checksum("none", bytes), "")
  })
})
