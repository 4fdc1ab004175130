import { afterAll, assert, describe, it } from "@effect/vitest"
import { describeWith } from "@toehold/lab/RealPart"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import { Effect, Redacted, Result } from "effect"
import { KeyFolder, kinds } from "./keyFolder.ts"

const passphrase = "pässword 漢字 $'\""

const ciphers = [
  "aes256-ctr",
  "aes192-ctr",
  "aes128-ctr",
  "aes256-cbc",
  "aes192-cbc",
  "aes128-cbc",
  "3des-cbc",
  "aes256-gcm@openssh.com",
  "aes128-gcm@openssh.com",
  "chacha20-poly1305@openssh.com"
]

const errorOf = (key: Effect.Effect<SshKey.SshKey, { readonly reason: { readonly _tag: string } }>) =>
  Effect.map(Effect.flip(key), ({ reason }) => reason._tag)

describeWith(["ssh-keygen"], "keys of ssh-keygen", () => {
  const folder = new KeyFolder()
  afterAll(() => folder.remove())

  const keygen = (name: string, ...args: ReadonlyArray<string>): string => {
    folder.run("ssh-keygen", "-q", "-f", folder.file(name), "-a", "1", ...args)
    return folder.read(name)
  }

  describe.each(kinds)("$kind", ({ kind, options }) => {
    const comment = `${kind} @ hôme`

    it.effect("is read from each of its formats and has the fingerprints that ssh-keygen prints", () =>
      Effect.gen(function* () {
        const text = keygen(kind, "-N", "", "-C", comment, ...options)
        const line = folder.read(`${kind}.pub`).trim()
        const key = yield* SshKey.parse(text, { source: kind })
        assert.strictEqual(SshPublicKey.toLine(key.publicKey), line)
        assert.deepStrictEqual(Result.getOrThrow(SshPublicKey.parse(line, { source: kind })), key.publicKey)
        assert.deepStrictEqual(Result.getOrThrow(SshKey.publicHalf(text, { source: kind })), key.publicKey)

        const { bits, blob } = key.publicKey
        for (const algorithm of ["sha256", "md5"] as const) {
          const printed = folder.run("ssh-keygen", "-l", "-E", algorithm, "-f", folder.file(kind))
          assert.isTrue(
            printed.startsWith(`${bits} ${SshPublicKey.fingerprint(blob, algorithm)} ${comment} (`),
            printed
          )
        }

        // The command rewrites the file, and can't write Ed25519 in the older formats.
        const older = kind === "ed25519" ? [] : ["PEM", "PKCS8"]
        for (const format of older) {
          for (const secret of ["", passphrase]) {
            folder.write(`${kind}.old`, text)
            folder.run("ssh-keygen", "-q", "-p", "-P", "", "-N", secret, "-m", format, "-f", folder.file(`${kind}.old`))
            const old = folder.read(`${kind}.old`)
            assert.notInclude(old, "OPENSSH")
            const again = yield* SshKey.parse(old, { source: format, passphrase: Redacted.make(secret) })
            assert.deepStrictEqual(again.publicKey.blob, blob)
            if (secret === "") continue
            const wrong = Redacted.make("wrong")
            assert.strictEqual(yield* errorOf(SshKey.parse(old, { source: format })), "KeyPassphraseMissing")
            assert.strictEqual(
              yield* errorOf(SshKey.parse(old, { source: format, passphrase: wrong })),
              "KeyPassphraseWrong"
            )
          }
        }
      })
    )

    it.effect("is written as ssh-keygen reads it, plain and encrypted", () =>
      Effect.gen(function* () {
        const text = keygen(`${kind}.out`, "-N", "", "-C", comment, ...options)
        const key = yield* SshKey.parse(text, { source: kind })
        const plain = yield* SshKey.toOpenSsh(key)
        const secret = Redacted.make(passphrase)
        const locked = yield* SshKey.toOpenSsh(key, { passphrase: secret, rounds: 2 })
        folder.write("plain", Redacted.value(plain))
        folder.write("locked", Redacted.value(locked))
        const line = SshPublicKey.toLine(key.publicKey)
        assert.strictEqual(folder.run("ssh-keygen", "-y", "-P", "", "-f", folder.file("plain")).trim(), line)
        assert.strictEqual(folder.run("ssh-keygen", "-y", "-P", passphrase, "-f", folder.file("locked")).trim(), line)
        assert.throws(() => folder.run("ssh-keygen", "-y", "-P", "wrong", "-f", folder.file("locked")))
        const back = yield* SshKey.parse(Redacted.value(locked), { source: kind, passphrase: secret })
        assert.deepStrictEqual(back.publicKey, key.publicKey)
      })
    )
  })

  it.effect.each(ciphers)(
    "a key encrypted with %s is read with its passphrase, and its public half without",
    (cipher) =>
      Effect.gen(function* () {
        const text = keygen(cipher, "-N", passphrase, "-C", "c", "-t", "ed25519", "-Z", cipher)
        const source = cipher
        const key = yield* SshKey.parse(text, { source, passphrase: Redacted.make(passphrase) })
        assert.strictEqual(SshPublicKey.toLine(key.publicKey), folder.read(`${cipher}.pub`).trim())
        const half = Result.getOrThrow(SshKey.publicHalf(text, { source }))
        assert.deepStrictEqual(half, { ...key.publicKey, comment: "" })
        assert.strictEqual(yield* errorOf(SshKey.parse(text, { source })), "KeyPassphraseMissing")
        assert.strictEqual(
          yield* errorOf(SshKey.parse(text, { source, passphrase: Redacted.make("wrong") })),
          "KeyPassphraseWrong"
        )
      })
  )

  it.effect("a long RSA key encrypted with each family of ciphers is read", () =>
    Effect.gen(function* () {
      const plain = keygen("long", "-N", "", "-C", "c", "-t", "rsa", "-b", "4096")
      const { publicKey } = yield* SshKey.parse(plain, { source: "plain" })
      for (const cipher of ["aes256-ctr", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]) {
        folder.write("long.copy", plain)
        folder.run(
          "ssh-keygen",
          "-q",
          "-p",
          "-P",
          "",
          "-N",
          "x",
          "-a",
          "1",
          "-Z",
          cipher,
          "-f",
          folder.file("long.copy")
        )
        const key = yield* SshKey.parse(folder.read("long.copy"), { source: cipher, passphrase: Redacted.make("x") })
        assert.deepStrictEqual(key.publicKey, publicKey)
      }
    })
  )

  it.effect("generated keys are read by ssh-keygen", () =>
    Effect.gen(function* () {
      const made = [
        yield* SshKey.generate({ type: "ed25519", comment: "new one" }),
        yield* SshKey.generate({ type: "rsa", bits: 2048, comment: "new one" })
      ]
      for (const key of made) {
        folder.write("made", Redacted.value(yield* SshKey.toOpenSsh(key)))
        const printed = folder.run("ssh-keygen", "-y", "-f", folder.file("made")).trim()
        assert.strictEqual(printed, SshPublicKey.toLine(key.publicKey))
      }
    })
  )

  it("RFC 4716 public keys go both ways", () => {
    keygen("rfc", "-N", "", "-C", `${"long ".repeat(30)}end`, "-t", "rsa", "-b", "2048")
    const line = folder.read("rfc.pub").trim()
    const exported = folder.run("ssh-keygen", "-e", "-m", "RFC4716", "-f", folder.file("rfc.pub"))
    const key = Result.getOrThrow(SshPublicKey.parse(line, { source: "rfc.pub" }))
    const read = Result.getOrThrow(SshPublicKey.parse(exported, { source: "exported" }))
    assert.deepStrictEqual(read.blob, key.blob)
    assert.include(read.comment, "2048-bit RSA")
    const ours = SshPublicKey.toRfc4716(key)
    assert.isTrue(ours.split("\n").every((row) => Buffer.byteLength(row) <= 72))
    const imported = folder.run("ssh-keygen", "-i", "-m", "RFC4716", "-f", folder.write("ours", ours))
    assert.strictEqual(imported.trim(), line.split(" ").slice(0, 2).join(" "))
    assert.deepStrictEqual(Result.getOrThrow(SshPublicKey.parse(ours, { source: "ours" })), key)
  })

  it.effect("what belongs to hardware keys, certificates and DSA is named", () =>
    Effect.gen(function* () {
      keygen("ca", "-N", "", "-t", "ed25519")
      keygen("user", "-N", "", "-t", "ed25519")
      folder.run("ssh-keygen", "-q", "-s", folder.file("ca"), "-I", "id", folder.file("user.pub"))
      const certificate = yield* Effect.flip(SshKey.parse(folder.read("user-cert.pub"), { source: "user-cert.pub" }))
      assert.strictEqual(certificate.reason._tag, "KeyFormatUnsupported")
      assert.include(certificate.message, "ssh-ed25519-cert-v01@openssh.com")
      const dsa = keygen("dsa", "-N", "", "-t", "dsa")
      const refused = yield* Effect.flip(SshKey.parse(dsa, { source: "dsa" }))
      assert.strictEqual(refused.reason._tag, "KeyFormatUnsupported")
      assert.include(refused.message, "DSA")
      const { bits, blob } = Result.getOrThrow(SshKey.publicHalf(dsa, { source: "dsa" }))
      const printed = folder.run("ssh-keygen", "-l", "-f", folder.file("dsa.pub"))
      assert.isTrue(printed.startsWith(`${bits} ${SshPublicKey.fingerprint(blob)} `), printed)
    })
  )
})
