import { expect, it } from "@effect/vitest"
import * as ChildProcess from "node:child_process"
import * as Crypto from "node:crypto"
import { cksum } from "../../src/internal/cksum.ts"

it.each([0, 1, 2, 255, 256, 257, 65_536, 300_001])("is that of cksum for %d bytes", (length) => {
  const bytes = Crypto.createHash("shake256", { outputLength: length }).update("seed").digest()
  const [sum, size] = ChildProcess.execFileSync("cksum", { input: bytes }).toString().split(" ")
  expect([cksum([bytes.subarray(0, 7), bytes.subarray(7)]), length]).toEqual([Number(sum), Number(size)])
})
