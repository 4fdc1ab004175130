import { assert, it } from "@effect/vitest"
import { Result } from "effect"
import * as Crypto from "node:crypto"
import { keyPair, numbersOf } from "../../src/internal/key/keyNumbers.ts"

const { privateKey } = Crypto.generateKeyPairSync("rsa", { modulusLength: 1024 })

it("an RSA key whose numbers contradict each other is refused, however long they are", () => {
  const numbers = Result.getOrThrow(numbersOf(privateKey))
  if (numbers.type !== "ssh-rsa") return assert.fail(numbers.type)
  assert.isTrue(Result.isSuccess(keyPair(numbers)))
  const other = numbers.d.map((byte, index) => (index === 20 ? byte ^ 1 : byte))
  const long = new Uint8Array(40_000).fill(0xff)
  const none = new Uint8Array(0)
  for (const changed of [
    { d: other },
    { d: long },
    { d: none },
    { p: numbers.q, q: numbers.p },
    { p: long, q: long },
    { p: none },
    { q: Uint8Array.of(1) },
    { iqmp: other },
    { iqmp: none },
    { e: Uint8Array.of(2) },
    { e: none },
    { e: long }
  ]) {
    assert.isTrue(Result.isFailure(keyPair({ ...numbers, ...changed })), Object.keys(changed).join())
  }
})
