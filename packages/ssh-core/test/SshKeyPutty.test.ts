import { afterAll, assert, describe, it } from "@effect/vitest"
import { describeWith } from "@toehold/lab/RealPart"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import { Effect, Redacted, Result } from "effect"
import * as Crypto from "node:crypto"
import { KeyFolder, kinds } from "./keyFolder.ts"

const passphrase = "pässword 漢字 $'\""

const v3 = (kdf: string, lanes = 1) => `version=3,kdf=${kdf},memory=1024,passes=2,parallelism=${lanes}`

/** Parameters of `puttygen`, and whether the file is encrypted. */
const variants = [
  { params: "version=2", locked: false },
  { params: "version=2", locked: true },
  { params: "version=3", locked: false },
  { params: v3("argon2id"), locked: true },
  { params: v3("argon2i"), locked: true },
  { params: v3("argon2d", 3), locked: true }
]

const reasonOf = (key: Effect.Effect<SshKey.SshKey, { readonly reason: { readonly _tag: string } }>) =>
  Effect.map(Effect.flip(key), ({ reason }) => reason._tag)

const locked = { passphrase: Redacted.make(passphrase) }

/** A string of RFC 4251. */
const field = (value: Uint8Array | string) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(value))
  return Buffer.concat([length, Buffer.from(value)])
}

describeWith(["puttygen"], "keys of puttygen", () => {
  const folder = new KeyFolder()
  afterAll(() => folder.remove())
  const secretFile = folder.write("passphrase", passphrase)
  const emptyFile = folder.write("empty", "")

  const puttygen = (...args: ReadonlyArray<string>) => folder.run("puttygen", ...args)

  describe.each(kinds)("$kind", ({ kind, options }) => {
    const comment = `${kind} @ hôme`
    const original = folder.file(`${kind}.ppk`)
    const make = () => puttygen("-q", ...options, "-C", comment, "--new-passphrase", emptyFile, "-o", original)

    it.effect("is read from every version of .ppk", () =>
      Effect.gen(function* () {
        make()
        const line = puttygen("-L", original).trim()
        for (const variant of variants) {
          const file = folder.file("variant.ppk")
          const newSecret = variant.locked ? secretFile : emptyFile
          const secrets = ["--old-passphrase", emptyFile, "--new-passphrase", newSecret]
          puttygen(original, "-q", "-P", ...secrets, "--ppk-param", variant.params, "-o", file)
          const text = folder.read("variant.ppk")
          const source = variant.params
          const key = yield* SshKey.parse(text, { source, ...locked })
          assert.strictEqual(SshPublicKey.toLine(key.publicKey), line)
          assert.deepStrictEqual(Result.getOrThrow(SshKey.publicHalf(text, { source })), key.publicKey)
          assert.deepStrictEqual(yield* SshKey.parse(text.replaceAll("\n", "\r\n"), { source, ...locked }), key)

          const changed = text.replace(comment, "another comment")
          const damaged = yield* reasonOf(SshKey.parse(changed, { source, ...locked }))
          assert.strictEqual(damaged, variant.locked ? "KeyPassphraseWrong" : "KeyUnreadable")
          if (!variant.locked) continue
          assert.strictEqual(yield* reasonOf(SshKey.parse(text, { source })), "KeyPassphraseMissing")
          const wrong = { source, passphrase: Redacted.make("wrong") }
          assert.strictEqual(yield* reasonOf(SshKey.parse(text, wrong)), "KeyPassphraseWrong")
        }
      })
    )

    it.effect("is read from the OpenSSH files that puttygen writes", () =>
      Effect.gen(function* () {
        make()
        const line = puttygen("-L", original).trim()
        // The encrypted new form takes 16 rounds of bcrypt, each time: one type is enough.
        const newSecret = kind === "ed25519" ? secretFile : emptyFile
        for (const [format, secret] of [
          ["private-openssh", secretFile],
          ["private-openssh-new", newSecret]
        ] as const) {
          if (kind === "ed25519" && format === "private-openssh") continue
          const secrets = ["--old-passphrase", emptyFile, "--new-passphrase", secret]
          puttygen(original, "-q", "-P", ...secrets, "-O", format, "-o", folder.file("converted"))
          const key = yield* SshKey.parse(folder.read("converted"), { source: format, ...locked })
          const found = SshPublicKey.toLine({ ...key.publicKey, comment: "" })
          assert.strictEqual(found, line.split(" ").slice(0, 2).join(" "))
        }
      })
    )

    it.effect("is written as puttygen reads it, plain and encrypted", () =>
      Effect.gen(function* () {
        make()
        const line = puttygen("-L", original).trim()
        const key = yield* SshKey.parse(folder.read(`${kind}.ppk`), { source: kind })
        const plain = folder.write("plain.ppk", Redacted.value(yield* SshKey.toPpk(key)))
        const text = Redacted.value(yield* SshKey.toPpk(key, locked))
        const encrypted = folder.write("encrypted.ppk", text)
        for (const [file, secret] of [
          [plain, emptyFile],
          [encrypted, secretFile]
        ] as const) {
          assert.strictEqual(puttygen("-L", file).trim(), line)
          assert.strictEqual(puttygen("-l", file), puttygen("-l", original))
          // Converting makes puttygen check the MAC and use the private half.
          const secrets = ["--old-passphrase", secret, "--new-passphrase", emptyFile]
          puttygen(file, "-q", ...secrets, "-O", "private-openssh-new", "-o", folder.file("converted"))
          const back = yield* SshKey.parse(folder.read("converted"), { source: file })
          assert.deepStrictEqual(back.publicKey, key.publicKey)
        }
        assert.deepStrictEqual((yield* SshKey.parse(text, { source: kind, ...locked })).publicKey, key.publicKey)
      })
    )
  })

  it.effect("generated keys are read by puttygen", () =>
    Effect.gen(function* () {
      for (const type of ["ed25519", "rsa"] as const) {
        const key = yield* SshKey.generate({ type, bits: 2048, comment: "made here" })
        const file = folder.write("made.ppk", Redacted.value(yield* SshKey.toPpk(key)))
        assert.strictEqual(puttygen("-L", file).trim(), SshPublicKey.toLine(key.publicKey))
        const openSsh = folder.write("made", Redacted.value(yield* SshKey.toOpenSsh(key)))
        assert.strictEqual(puttygen("-L", openSsh).trim(), SshPublicKey.toLine(key.publicKey))
      }
    })
  )

  it.effect("an Ed25519 seed that ends in zeros is written whole and read whole or short, as puttygen does", () =>
    Effect.gen(function* () {
      const seed = Buffer.concat([Crypto.createHash("sha256").update("seed").digest().subarray(0, 30), Buffer.alloc(2)])
      const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed])
      const pem = `-----BEGIN PRIVATE KEY-----\n${der.toString("base64")}\n-----END PRIVATE KEY-----\n`
      const key = yield* SshKey.parse(pem, { source: "pem" })
      const whole = Redacted.value(yield* SshKey.toPpk(key))
      const ppk = folder.write("zeros.ppk", whole)
      puttygen(ppk, "-q", "-P", "--new-passphrase", emptyFile, "-o", folder.file("again.ppk"))
      assert.strictEqual(folder.read("again.ppk"), whole)

      const secret = field(seed.subarray(0, 30))
      const covered = ["ssh-ed25519", "none", "", key.publicKey.blob, secret].map(field)
      const mac = Crypto.createHmac("sha256", "").update(Buffer.concat(covered)).digest("hex")
      const short = whole
        .replace(/(Private-Lines: 1\n).*/, `$1${secret.toString("base64")}`)
        .replace(/(Private-MAC: ).*/, `$1${mac}`)
      assert.strictEqual(puttygen("-L", folder.write("short.ppk", short)).trim(), SshPublicKey.toLine(key.publicKey))
      const back = yield* SshKey.parse(short, { source: "short" })
      assert.deepStrictEqual(back.publicKey, key.publicKey)
    })
  )

  it.effect("public keys in puttygen's own form are read", () =>
    Effect.gen(function* () {
      puttygen("-q", "-t", "ed25519", "-C", 'with "quotes"', "--new-passphrase", emptyFile, "-o", folder.file("p.ppk"))
      const text = puttygen(folder.file("p.ppk"), "-O", "public")
      const expected = Result.getOrThrow(SshKey.publicHalf(folder.read("p.ppk"), { source: "p.ppk" }))
      const read = Result.getOrThrow(SshPublicKey.parse(text, { source: "p.pub" }))
      assert.deepStrictEqual(read.blob, expected.blob)
      assert.strictEqual(yield* reasonOf(SshKey.parse(text, { source: "p.pub" })), "KeyIsPublic")
    })
  )

  it.effect("kinds of keys that only PuTTY makes are named", () =>
    Effect.gen(function* () {
      for (const [type, name] of [
        ["ed448", "ssh-ed448"],
        ["dsa", "DSA"]
      ] as const) {
        puttygen("-q", "-t", type, "--new-passphrase", emptyFile, "-o", folder.file("other.ppk"))
        const error = yield* Effect.flip(SshKey.parse(folder.read("other.ppk"), { source: "other.ppk" }))
        assert.strictEqual(error.reason._tag, "KeyFormatUnsupported")
        assert.include(error.message, name)
      }
    })
  )
})
