import { assert, describe, it } from "@effect/vitest"
import * as SshPublicKey from "@toehold/ssh-core/SshPublicKey"
import { Result } from "effect"

const blob = "AAAAC3NzaC1lZDI1NTE5AAAAIAD8BDGFdA30Ml6nqXEhvHxsJvPqFmKYpBFzQhYHfXPc"

const parse = (text: string | Uint8Array) => SshPublicKey.parse(text, { source: "line" })

const parsed = (text: string | Uint8Array) => Result.getOrThrow(parse(text))

const reasonOf = (text: string | Uint8Array) =>
  Result.match(parse(text), { onSuccess: () => "read", onFailure: ({ reason }) => reason._tag })

describe("lines", () => {
  it("keep type, blob, comment and options", () => {
    const line = `ssh-ed25519 ${blob} me@home, second word`
    const key = parsed(`${line}\n`)
    assert.strictEqual(key.type, "ssh-ed25519")
    assert.strictEqual(key.bits, 256)
    assert.strictEqual(key.comment, "me@home, second word")
    assert.strictEqual(key.options, "")
    assert.strictEqual(SshPublicKey.toLine(key), line)
  })

  it("keep options as they stand, blanks and quotes in them included", () => {
    for (const options of [
      "restrict",
      'command="echo \\"a b\\" c",no-pty',
      'from="10.0.0.0/8,!10.1.1.1",environment="A=b c"'
    ]) {
      const line = `${options} ssh-ed25519 ${blob} c`
      assert.strictEqual(parsed(line).options, options)
      assert.strictEqual(SshPublicKey.toLine(parsed(line)), line)
    }
  })

  it("may come after comments and blank lines, with tabs and CRLF", () => {
    assert.strictEqual(parsed(`# mine\r\n\r\n  ssh-ed25519\t${blob}\tc\r\n`).comment, "c")
    assert.strictEqual(parsed(`ssh-ed25519 ${blob}`).comment, "")
  })

  it("that are damaged are unreadable, and other things are named", () => {
    const cases = {
      "": "KeyUnreadable",
      "# only a comment": "KeyUnreadable",
      "ssh-ed25519": "KeyUnreadable",
      "ssh-ed25519 ????": "KeyUnreadable",
      [`ssh-ed25519 ${blob.slice(0, -4)}`]: "KeyUnreadable",
      [`ssh-ed25519 ${blob}AAAA`]: "KeyUnreadable",
      [`ssh-rsa ${blob}`]: "KeyUnreadable",
      [`"unclosed ssh-ed25519 ${blob}`]: "KeyUnreadable",
      [`toString ${blob}`]: "KeyUnreadable",
      "-----BEGIN OPENSSH PRIVATE KEY-----\n": "KeyUnreadable",
      "PuTTY-User-Key-File-3: ssh-ed25519\n": "KeyUnreadable",
      "-----BEGIN PUBLIC KEY-----\n": "KeyFormatUnsupported",
      "-----BEGIN CERTIFICATE-----\n": "KeyFormatUnsupported",
      "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA": "KeyUnreadable"
    }
    for (const [text, reason] of Object.entries(cases)) assert.strictEqual(reasonOf(text), reason, text)
  })

  it("with long runs of blanks, quotes or backslashes don't slow down", () => {
    for (const part of [" ", '"', "\\", '\\"', "\t", "=", "A", "\\\n"]) {
      assert.strictEqual(reasonOf(part.repeat(60_000 / part.length)), "KeyUnreadable")
    }
  })
})

/** A string of RFC 4251. */
const field = (value: string | Uint8Array) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(Buffer.byteLength(value))
  return Buffer.concat([length, Buffer.from(value)])
}

describe("blobs", () => {
  it("of hardware keys have a name and a fingerprint", () => {
    const type = "sk-ssh-ed25519@openssh.com"
    const hardware = Buffer.concat([type, Buffer.alloc(32, 7), "ssh:"].map(field))
    const key = Result.getOrThrow(SshPublicKey.fromBlob(hardware, { source: "agent", comment: "token" }))
    assert.deepStrictEqual([key.type, key.bits, key.comment], [type, 256, "token"])
    assert.match(SshPublicKey.fingerprint(key.blob), /^SHA256:[A-Za-z0-9+/]{43}$/)
    const odd = SshPublicKey.fromBlob(field("ssh-\u001b[31mfuture\n"), { source: "agent" })
    assert.isTrue(Result.isFailure(odd) && odd.failure.reason._tag === "KeyUnreadable")
    const future = SshPublicKey.fromBlob(field("ssh-future"), { source: "agent" })
    assert.isTrue(Result.isFailure(future) && future.failure.message.includes("ssh-future"))
  })

  it("are copied, so that a driver's buffer can be used again", () => {
    const bytes = Buffer.from(blob, "base64")
    const key = Result.getOrThrow(SshPublicKey.fromBlob(bytes, { source: "agent" }))
    bytes.fill(0)
    assert.strictEqual(Buffer.from(key.blob).toString("base64"), blob)
  })
})
