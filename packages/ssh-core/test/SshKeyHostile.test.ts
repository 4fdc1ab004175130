import { assert, describe, it } from "@effect/vitest"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import { Effect, Redacted, Result, Schema } from "effect"
import * as Crypto from "node:crypto"

const passphrase = "p"
const secret = { passphrase: Redacted.make(passphrase) }

const ed25519 = Crypto.generateKeyPairSync("ed25519").privateKey
const ecdsa = Crypto.generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
const rsa = Crypto.generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey

const pem = (key: Crypto.KeyObject, type: "pkcs1" | "sec1" | "pkcs8", cipher?: string): string =>
  key.export({ format: "pem", type, ...(cipher === undefined ? {} : { cipher, passphrase }) }).toString()

/**
 * A typed error or a key that works, and the same for its public half; anything else is a defect that fails the test.
 * Gives whether it was a key.
 */
const survives = (data: string | Uint8Array) =>
  Effect.gen(function* () {
    const half = SshKey.publicHalf(data, { source: "data" })
    if (Result.isSuccess(half)) SshPublicKey.toLine(half.success)
    const parsed = yield* Effect.result(SshKey.parse(data, { source: "data", ...secret }))
    if (Result.isFailure(parsed)) {
      assert.match(parsed.failure.reason._tag, /^Key/)
      assert.notInclude(parsed.failure.message, "\n")
      return false
    }
    const again = yield* SshKey.parse(Redacted.value(yield* SshKey.toOpenSsh(parsed.success)), { source: "again" })
    assert.deepStrictEqual(again.publicKey, parsed.success.publicKey)
    return true
  })

const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

interface Armour {
  readonly begin: string
  readonly end: string
  readonly body: Uint8Array
}

const opened = (text: string): Armour => {
  const begin = /^-----BEGIN .*\n(.+: .*\n)*\n?/.exec(text)?.[0] ?? ""
  const end = /-----END .*\n$/.exec(text)?.[0] ?? ""
  return { begin, end, body: Buffer.from(text.slice(begin.length, -end.length), "base64") }
}

const closed = ({ begin, end }: Pick<Armour, "begin" | "end">, body: Uint8Array): string =>
  `${begin}${Buffer.from(body).toString("base64")}\n${end}`

const openSsh = (key: Crypto.KeyObject, options?: Parameters<typeof SshKey.toOpenSsh>[1]) =>
  SshKey.parse(pem(key, "pkcs8"), { source: "key" }).pipe(
    Effect.flatMap((parsed) => SshKey.toOpenSsh(parsed, options)),
    Effect.map(Redacted.value)
  )

const ppk = (key: Crypto.KeyObject, options?: Parameters<typeof SshKey.toPpk>[1]) =>
  SshKey.parse(pem(key, "pkcs8"), { source: "key" }).pipe(
    Effect.flatMap((parsed) => SshKey.toPpk(parsed, options)),
    Effect.map(Redacted.value)
  )

const lockedOpenSsh = await Effect.runPromise(openSsh(ed25519, { ...secret, rounds: 1 }))
const lockedPpk = await Effect.runPromise(ppk(ed25519, secret))

const bit = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))
const anyRuns = { arbitrary: { runs: 300 } }
const someRuns = { arbitrary: { runs: 40 } }

describe("arbitrary bytes", () => {
  it.effect.prop("as a key", [Schema.Uint8Array], ([bytes]) => Effect.asVoid(survives(bytes)), anyRuns)

  it.effect.prop("as text", [Schema.String], ([text]) => Effect.asVoid(survives(text)), anyRuns)

  it.effect.prop(
    "in armour",
    [
      Schema.Literals([
        "OPENSSH PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY"
      ]),
      Schema.Uint8Array
    ],
    ([label, bytes]) => {
      const magic = Buffer.from(label.startsWith("OPENSSH") ? "openssh-key-v1\0" : "")
      const body = Buffer.concat([magic, bytes])
      const text = closed({ begin: `-----BEGIN ${label}-----\n`, end: `-----END ${label}-----\n` }, body)
      return Effect.asVoid(survives(text))
    },
    anyRuns
  )

  it.prop("as a public key", [Schema.Uint8Array, Schema.String], ([bytes, text]) => {
    SshPublicKey.fromBlob(bytes, { source: "data" })
    SshPublicKey.parse(bytes, { source: "data" })
    SshPublicKey.parse(`ssh-ed25519 ${Buffer.from(bytes).toString("base64")} ${text}`, { source: "data" })
  })
})

describe("keys that were cut short", () => {
  it.effect("at every character", () =>
    Effect.gen(function* () {
      for (const text of [
        yield* openSsh(ed25519),
        yield* ppk(ed25519),
        pem(ed25519, "pkcs8"),
        pem(ecdsa, "sec1", "aes-128-cbc"),
        pem(ed25519, "pkcs8", "aes-128-cbc")
      ]) {
        const whole = text.trimEnd().length
        for (let length = 0; length < whole; length++) {
          assert.isFalse(yield* survives(text.slice(0, length)), `${text.slice(0, 30)} at ${length}`)
        }
      }
    })
  )

  it.effect("at every byte, with the armour whole", () =>
    Effect.gen(function* () {
      for (const text of [yield* openSsh(ed25519), pem(ed25519, "pkcs8"), pem(ecdsa, "sec1")]) {
        const armour = opened(text)
        assert.isTrue(yield* survives(closed(armour, armour.body)))
        for (let length = 0; length < armour.body.length; length++) {
          assert.isFalse(yield* survives(closed(armour, armour.body.subarray(0, length))), `${text} at ${length}`)
        }
      }
    })
  )
})

describe("keys with one bit changed", () => {
  it.effect("every third bit of the content", () =>
    Effect.gen(function* () {
      const texts = [yield* openSsh(ed25519), pem(ed25519, "pkcs8"), pem(ecdsa, "sec1", "aes-128-cbc")]
      for (const armour of texts.map(opened)) {
        for (let at = 0; at < armour.body.length * 8; at += 3) yield* survives(closed(armour, flipped(armour.body, at)))
      }
    })
  )

  it.effect("every bit of a .ppk", () =>
    Effect.gen(function* () {
      const text = Buffer.from(yield* ppk(ed25519))
      const whole = yield* SshKey.parse(text, { source: "whole" })
      for (let at = 0; at < text.length * 8; at++) {
        const changed = flipped(text, at)
        if (yield* survives(changed)) {
          // Only what the MAC doesn't cover may change unnoticed: the case of its own digits, and line ends.
          const { publicKey } = yield* SshKey.parse(changed, { source: "changed" })
          assert.deepStrictEqual(publicKey, whole.publicKey)
        }
      }
    })
  )

  it.effect.prop(
    "some of a long key",
    [bit],
    ([at]) =>
      Effect.gen(function* () {
        for (const armour of [yield* openSsh(rsa), pem(rsa, "pkcs1"), pem(rsa, "pkcs8", "aes-256-cbc")].map(opened)) {
          yield* survives(closed(armour, flipped(armour.body, at % (armour.body.length * 8))))
        }
      }),
    someRuns
  )

  it.effect.prop(
    "some of an encrypted key",
    [bit],
    ([at]) =>
      Effect.gen(function* () {
        const armour = opened(lockedOpenSsh)
        // One round more or less is as good a case as a thousand, and takes less time.
        const rounds = 15 + (4 + 10) + (4 + 6) + 4 + (4 + 16)
        const target = at % (armour.body.length * 8)
        if (target >> 3 < rounds || target >> 3 > rounds + 3) {
          yield* survives(closed(armour, flipped(armour.body, target)))
        }
        const text = Buffer.from(lockedPpk)
        yield* survives(flipped(text, at % (text.length * 8)))
      }),
    someRuns
  )
})
