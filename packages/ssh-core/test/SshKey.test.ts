import { NodeFileSystem } from "@effect/platform-node"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { describeWith } from "@toehold/lab/RealPart"
import * as ClientPlatform from "@toehold/ssh-core/ClientPlatform"
import * as SshKey from "@toehold/ssh-core/SshKey"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import { Effect, Layer, Redacted, Result } from "effect"
import * as Crypto from "node:crypto"
import * as Fs from "node:fs"
import * as Util from "node:util"
import { utils } from "ssh2"
import { KeyFolder } from "./keyFolder.ts"

const passphrase = "correct hörse"
const secret = { passphrase: Redacted.make(passphrase) }

const made = {
  ed25519: Crypto.generateKeyPairSync("ed25519").privateKey,
  rsa: Crypto.generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  ecdsa256: Crypto.generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  ecdsa384: Crypto.generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey,
  ecdsa521: Crypto.generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey
}

type Structure = "pkcs1" | "sec1" | "pkcs8"

const pem = (key: Crypto.KeyObject, type: Structure = "pkcs8", cipher?: string): string =>
  key.export({ format: "pem", type, ...(cipher === undefined ? {} : { cipher, passphrase }) }).toString()

const parse = (data: string | Uint8Array, options?: { readonly passphrase?: Redacted.Redacted<string> }) =>
  SshKey.parse(data, { source: "key", ...options })

const failure = (data: string | Uint8Array, options?: { readonly passphrase?: Redacted.Redacted<string> }) =>
  Effect.map(Effect.flip(parse(data, options)), ({ reason }) => reason)

const reasonOf = (data: string | Uint8Array, options?: { readonly passphrase?: Redacted.Redacted<string> }) =>
  Effect.map(failure(data, options), ({ _tag }) => _tag)

describe("PEM", () => {
  it.effect("is read plain and encrypted, in every structure that OpenSSL writes", () =>
    Effect.gen(function* () {
      for (const [name, key] of Object.entries(made)) {
        const { publicKey } = yield* parse(pem(key))
        const older: ReadonlyArray<Structure> = name === "ed25519" ? [] : [name === "rsa" ? "pkcs1" : "sec1"]
        for (const structure of ["pkcs8" as const, ...older]) {
          assert.deepStrictEqual((yield* parse(pem(key, structure))).publicKey, publicKey)
          for (const cipher of ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des-ede3-cbc"]) {
            const text = pem(key, structure, cipher)
            assert.deepStrictEqual((yield* parse(text, secret)).publicKey, publicKey)
            assert.strictEqual(yield* reasonOf(text), "KeyPassphraseMissing")
            const wrong = { passphrase: Redacted.make("wrong") }
            assert.strictEqual(yield* reasonOf(text, wrong), "KeyPassphraseWrong")
          }
        }
      }
    })
  )

  it.effect("a wrong passphrase is one even when the padding happens to fit", () =>
    Effect.gen(function* () {
      const text = pem(made.ecdsa256, "sec1", "aes-128-cbc")
      const wrong = Array.from({ length: 600 }, (_, index) => ({ passphrase: Redacted.make(`wrong ${index}`) }))
      const reasons = yield* Effect.forEach(wrong, (options) => reasonOf(text, options))
      assert.deepStrictEqual([...new Set(reasons)], ["KeyPassphraseWrong"])
    })
  )

  it.effect("what can't be used over SSH is named", () =>
    Effect.gen(function* () {
      const cases = [
        [pem(Crypto.generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey), "secp256k1"],
        [pem(Crypto.generateKeyPairSync("x25519").privateKey), "x25519"],
        [pem(Crypto.generateKeyPairSync("rsa", { modulusLength: 512 }).privateKey), "512 bits"],
        [pem(made.rsa).replaceAll("PRIVATE KEY", "STRANGE KEY"), "STRANGE KEY"],
        ["-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n", "DSA"],
        ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "X.509"],
        ["SSH PRIVATE KEY FILE FORMAT 1.1\n\0", "SSH-1"],
        ["PuTTY-User-Key-File-1: ssh-rsa\n", "version 1"],
        [pem(made.rsa, "pkcs1", "aes-128-cbc").replace("AES-128-CBC", "IDEA-CBC"), "IDEA-CBC"]
      ] as const
      for (const [text, name] of cases) {
        const reason = yield* failure(text, secret)
        assert.strictEqual(reason._tag, "KeyFormatUnsupported", text)
        assert.include(reason.message, name)
      }
    })
  )
})

describeWith(["openssl"], "PKCS#8 of openssl", () => {
  const folder = new KeyFolder()
  afterAll(() => folder.remove())
  const plain = folder.write("plain.pem", pem(made.ed25519))
  const passFile = folder.write("passphrase", passphrase)
  const locked = (...args: ReadonlyArray<string>) =>
    folder.run("openssl", "pkcs8", "-topk8", "-in", plain, "-passout", `file:${passFile}`, ...args)

  it.effect.each([
    ["-scrypt"],
    ["-scrypt", "-v2", "aes-256-cbc", "-scrypt_N", "1024", "-scrypt_p", "4"],
    ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1"],
    ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512", "-iter", "10000"],
    ["-v2", "des3"]
  ])("is read: %s", (args) =>
    Effect.gen(function* () {
      const text = locked(...args)
      const { publicKey } = yield* parse(text, secret)
      assert.deepStrictEqual(publicKey, (yield* parse(pem(made.ed25519))).publicKey)
      assert.strictEqual(yield* reasonOf(text, { passphrase: Redacted.make("wrong") }), "KeyPassphraseWrong")
    })
  )

  it.effect("the old schemes and the ciphers of others are named", () =>
    Effect.gen(function* () {
      for (const args of [
        ["-v1", "PBE-SHA1-3DES"],
        ["-v2", "camellia-256-cbc"]
      ]) {
        const reason = yield* failure(locked(...args), secret)
        assert.strictEqual(reason._tag, "KeyFormatUnsupported")
      }
    })
  )
})

const other = (label: string) => `-----BEGIN ${label}-----\nBggqhkjOPQMBBw==\n-----END ${label}-----\n`

describe("text around a key", () => {
  it.effect("is forgiven where the key is whole", () =>
    Effect.gen(function* () {
      const key = yield* SshKey.generate({ type: "ed25519", comment: "c" })
      const text = Redacted.value(yield* SshKey.toOpenSsh(key))
      const forms = [
        text.replaceAll("\n", "\r\n"),
        text.replaceAll("\n", " "),
        `\n\n  ${text}\n\n`,
        `\ufeff${text}`,
        Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(text, "utf16le")]),
        Buffer.from(text)
      ]
      for (const form of forms) assert.deepStrictEqual((yield* parse(form)).publicKey, key.publicKey)
    })
  )

  it.effect("may hold curve parameters and certificates beside the key", () =>
    Effect.gen(function* () {
      const { publicKey } = yield* parse(pem(made.ecdsa256))
      const bundle = [other("EC PARAMETERS"), pem(made.ecdsa256, "sec1"), other("CERTIFICATE")].join("")
      assert.deepStrictEqual((yield* parse(bundle)).publicKey, publicKey)
      assert.deepStrictEqual(Result.getOrThrow(SshKey.publicHalf(bundle, { source: "bundle" })), publicKey)
    })
  )

  it.effect("that is not a private key says what it is", () =>
    Effect.gen(function* () {
      const key = yield* SshKey.generate({ type: "ed25519", comment: "c" })
      const publicPem = Crypto.createPublicKey(made.rsa)
      const publicTexts = [
        SshPublicKey.toLine(key.publicKey),
        `# mine\nrestrict,command="a \\"b\\" c" ${SshPublicKey.toLine(key.publicKey)}\n`,
        SshPublicKey.toRfc4716(key.publicKey),
        publicPem.export({ format: "pem", type: "spki" }).toString(),
        publicPem.export({ format: "pem", type: "pkcs1" }).toString()
      ]
      for (const text of publicTexts) assert.strictEqual(yield* reasonOf(text), "KeyIsPublic", text)

      const whole = Redacted.value(yield* SshKey.toOpenSsh(key))
      const damaged = [
        "",
        "hello",
        "{}",
        whole.slice(0, 200),
        whole.replace("-----END", "-----"),
        whole.replace(/\n.{9}/, "\n"),
        "x".repeat(70_000)
      ]
      for (const text of damaged) assert.strictEqual(yield* reasonOf(text), "KeyUnreadable", text.slice(0, 100))
    })
  )

  it.effect("can't smuggle a second line through a comment", () =>
    Effect.gen(function* () {
      const evil = "a\nssh-ed25519 AAAA\r\nPrivate-Lines: 1\u001b[2J\u0085b"
      const key = yield* SshKey.generate({ type: "ed25519", comment: evil })
      assert.strictEqual(key.publicKey.comment, "a ssh-ed25519 AAAA Private-Lines: 1 [2J b")
    })
  )
})

describe("writing", () => {
  it.effect("ssh2 takes the OpenSSH form of every type, and signs with it", () =>
    Effect.gen(function* () {
      for (const source of Object.values(made)) {
        const key = yield* parse(pem(source))
        const parsed = utils.parseKey(Redacted.value(yield* SshKey.toOpenSsh(key)))
        if (parsed instanceof Error) return assert.fail(parsed.message)
        assert.strictEqual(parsed.type, key.publicKey.type)
        assert.deepStrictEqual(Uint8Array.from(parsed.getPublicSSH()), key.publicKey.blob)
        const digest = source.asymmetricKeyType === "rsa" ? "sha256" : undefined
        const signature = parsed.sign("data", digest)
        assert.isTrue(parsed.verify("data", signature, digest))
      }
    })
  )

  it.effect("an empty passphrase is refused, so that no key is left open by accident", () =>
    Effect.gen(function* () {
      const key = yield* SshKey.generate({ type: "ed25519" })
      const empty = { passphrase: Redacted.make("") }
      for (const write of [SshKey.toOpenSsh, SshKey.toPpk]) {
        const { reason } = yield* Effect.flip(write(key, empty))
        assert.strictEqual(reason._tag, "InvalidArgument")
      }
    })
  )

  it.effect("RSA keys have 3072 bits unless asked, and lengths that don't do are refused", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* SshKey.generate({ type: "rsa" })).publicKey.bits, 3072)
      for (const bits of [0, 1024, 2047, 2048.5, 20_000, Number.NaN]) {
        const { reason } = yield* Effect.flip(SshKey.generate({ type: "rsa", bits }))
        assert.strictEqual(reason._tag, "InvalidArgument")
      }
    })
  )
})

/** The OpenSSH file with its KDF's rounds replaced. */
const withRounds = (text: string, rounds: number): string => {
  const body = Buffer.from(text.split("\n").slice(1, -2).join(""), "base64")
  // The rounds follow a salt of 16 bytes in a field of 24, after magic, cipher and KDF.
  body.writeUInt32BE(rounds, 15 + (4 + 10) + (4 + 6) + 4 + (4 + 16))
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`
}

describe("a key that lies about its cost", () => {
  it.effect("is refused before any work is done", () =>
    Effect.gen(function* () {
      const key = yield* parse(pem(made.ed25519))
      const openSsh = Redacted.value(yield* SshKey.toOpenSsh(key, { ...secret, rounds: 1 }))
      const ppk = Redacted.value(yield* SshKey.toPpk(key, secret))
      assert.deepStrictEqual((yield* parse(withRounds(openSsh, 1), secret)).publicKey, key.publicKey)
      const pkcs8 = Buffer.from(
        made.ed25519.export({ format: "der", type: "pkcs8", cipher: "aes-256-cbc", passphrase })
      ).toString("hex")
      assert.include(pkcs8, "02020800")
      // Iterations: an INTEGER of two bytes, 2048, becomes one of four, so every length around it grows by two.
      const costly = pkcs8Text(pkcs8)
      const cases = [
        [withRounds(openSsh, 0xffffffff), "KeyFormatUnsupported"],
        [withRounds(openSsh, 0), "KeyUnreadable"],
        [ppk.replace("Memory: 8192", "Memory: 4294967295"), "KeyFormatUnsupported"],
        [ppk.replace("Passes: 13", "Passes: 4294967295"), "KeyFormatUnsupported"],
        [ppk.replace("Parallelism: 1", "Parallelism: 1000"), "KeyFormatUnsupported"],
        [ppk.replace("Parallelism: 1", "Parallelism: 4294967295"), "KeyUnreadable"],
        [ppk.replace("Memory: 8192", "Memory: 0"), "KeyUnreadable"],
        [ppk.replace("Passes: 13", "Passes: 99999999999999999999"), "KeyUnreadable"],
        [ppk.replace(/Lines: \d+/g, "Lines: 4294967295"), "KeyUnreadable"],
        [costly, "KeyFormatUnsupported"]
      ] as const
      for (const [text, reason] of cases) assert.strictEqual(yield* reasonOf(text, secret), reason, text)
    })
  )
})

const pkcs8Text = (hex: string): string => {
  const costly = Buffer.from(hex.replace("02020800", "02047fffffff"), "hex")
  // EncryptedPrivateKeyInfo, the algorithm, PBES2's parameters, the KDF, PBKDF2's parameters.
  for (const at of lengthsAround(costly)) costly[at] = (costly[at] ?? 0) + 2
  return `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${costly.toString("base64")}\n-----END ENCRYPTED PRIVATE KEY-----\n`
}

const lengthsAround = (der: Uint8Array): ReadonlyArray<number> => {
  const target = Buffer.from(der).indexOf(Buffer.from("02047fffffff", "hex"))
  const found: Array<number> = []
  for (let at = 0; at < target;) {
    const long = der[at + 1] === 0x81
    const lengthAt = at + (long ? 2 : 1)
    const end = lengthAt + 1 + (der[lengthAt] ?? 0)
    // Lengths are still those from before the growth.
    const encloses = der[at] === 0x30 && end + 2 > target
    if (encloses) found.push(lengthAt)
    at = encloses ? lengthAt + 1 : end
  }
  return found
}

const shown = (value: unknown) =>
  [String(value), JSON.stringify(value), Util.inspect(value, { depth: 20, showHidden: true })].join("\n")

describe("secrets", () => {
  it.effect("are in no error, and not in what a key prints", () =>
    Effect.gen(function* () {
      for (const source of Object.values(made)) {
        const key = yield* parse(pem(source))
        const jwk = source.export({ format: "jwk" })
        const d = Buffer.from(jwk.d ?? "", "base64url")
        const open = Redacted.value(yield* SshKey.toOpenSsh(key))
        const openPpk = Redacted.value(yield* SshKey.toPpk(key))
        const files = [
          Redacted.value(yield* SshKey.toOpenSsh(key, { ...secret, rounds: 1 })),
          pem(source, "pkcs8", "aes-256-cbc"),
          open.replace(/\n(.)/, "\n!$1"),
          openPpk.replace(/Private-MAC: ../, "Private-MAC: zz")
        ]
        const printed = [shown(key), shown(yield* SshKey.toOpenSsh(key))]
        for (const file of files) {
          const wrong = { passphrase: Redacted.make(`${passphrase} wrong`) }
          printed.push(shown(yield* Effect.flip(parse(file, wrong))))
        }
        for (const text of printed) {
          assert.notInclude(text, passphrase)
          assert.notInclude(text, d.toString("hex"))
          assert.notInclude(text, d.toString("base64").slice(0, 20))
          assert.notInclude(text, d.toString("base64url").slice(0, 20))
          assert.notInclude(text, [...d.subarray(0, 8)].join(","))
          assert.notInclude(text, open.split("\n")[4] ?? open)
        }
      }
    })
  )
})

const on = (platform: Partial<ClientPlatform.Platform>) =>
  Layer.merge(NodeFileSystem.layer, ClientPlatform.layerOf(platform))

const tagOf = (result: Result.Result<SshKey.SshKey, { readonly reason: { readonly _tag: string } }>) =>
  Result.match(result, { onSuccess: () => "read", onFailure: ({ reason }) => reason._tag })

const loadPublic = (path: string) => SshKey.loadPublic(path).pipe(Effect.provide(NodeFileSystem.layer))

describe("files", () => {
  const folder = new KeyFolder()
  afterAll(() => folder.remove())

  const uid = process.getuid?.() ?? 0
  const loaded = (path: string, platform: Partial<ClientPlatform.Platform> = { uid }) =>
    SshKey.load(path).pipe(Effect.provide(on(platform)), Effect.result)

  const withMode = (name: string, mode: number, content = pem(made.ed25519)): string => {
    const path = folder.write(name, content)
    Fs.chmodSync(path, mode)
    return path
  }

  it.effect("are refused when others may read them, by the rule of ssh", () =>
    Effect.gen(function* () {
      for (const mode of [0o600, 0o400, 0o700]) {
        assert.strictEqual(tagOf(yield* loaded(withMode(`mode${mode}`, mode))), "read")
      }
      for (const mode of [0o644, 0o640, 0o604, 0o620, 0o610]) {
        const path = withMode(`mode${mode}`, mode)
        const result = yield* loaded(path)
        assert.strictEqual(tagOf(result), "KeyPermissions")
        assert.isTrue(Result.isFailure(result) && result.failure.message.includes(`0${mode.toString(8)}`))
        assert.strictEqual(tagOf(yield* loaded(path, { uid: uid + 1 })), "read")
        assert.strictEqual(tagOf(yield* loaded(path, { os: "win32" })), "read")
      }
    })
  )

  it.effect("that hold a public key are not told to change their mode", () =>
    Effect.gen(function* () {
      const { publicKey } = yield* parse(pem(made.ed25519))
      const path = withMode("id.pub", 0o644, `${SshPublicKey.toLine(publicKey)}\n`)
      assert.strictEqual(tagOf(yield* loaded(path)), "KeyIsPublic")
      const spki = Crypto.createPublicKey(made.rsa).export({ format: "pem", type: "spki" }).toString()
      assert.strictEqual(tagOf(yield* loaded(withMode("spki.pem", 0o644, spki))), "KeyIsPublic")
    })
  )

  it.effect("that can't be read say why", () =>
    Effect.gen(function* () {
      const folderPath = folder.file("folder")
      Fs.mkdirSync(folderPath)
      for (const [path, detail] of [
        [folder.file("missing"), "does not exist"],
        [folder.file("missing/key"), "does not exist"],
        [folderPath, "folder"],
        ["/dev/null", "not a regular file"],
        [folder.write("huge", "x".repeat(100_000)), "longer than 64 KiB"],
        [folder.write("zeros", new Uint8Array(100)), "holds no key"],
        ["a\0b", ""]
      ] as const) {
        const result = yield* loaded(path)
        assert.strictEqual(tagOf(result), "KeyUnreadable")
        assert.isTrue(Result.isFailure(result) && result.failure.message.includes(detail), path)
      }
    })
  )

  it.effect("give their public half without a passphrase, from .pub where they don't carry it", () =>
    Effect.gen(function* () {
      const key = yield* parse(pem(made.rsa))
      const { publicKey } = key
      const locked = folder.write("locked", pem(made.rsa, "pkcs1", "aes-256-cbc"))
      const alone = yield* Effect.flip(loadPublic(locked))
      assert.strictEqual(alone.reason._tag, "KeyPassphraseMissing")
      const commented = { ...publicKey, comment: "beside" }
      folder.write("locked.pub", SshPublicKey.toLine(commented))
      assert.deepStrictEqual(yield* loadPublic(locked), commented)
      assert.deepStrictEqual(yield* loadPublic(`${locked}.pub`), commented)
      const openSsh = folder.write("v1", Redacted.value(yield* SshKey.toOpenSsh(key, { ...secret, rounds: 1 })))
      assert.deepStrictEqual(yield* loadPublic(openSsh), publicKey)
      assert.deepStrictEqual(yield* loadPublic(folder.write("open", pem(made.rsa))), publicKey)
      const missing = yield* Effect.flip(loadPublic(folder.file("none")))
      assert.include(missing.message, folder.file("none"))
    })
  )
})
