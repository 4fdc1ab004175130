import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ServerHello } from "../../src/internal/serverHello.ts"

const list = (names: string): Buffer => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(names.length)
  return Buffer.concat([length, Buffer.from(names)])
}

const kexInit = (lists: ReadonlyArray<string>): Buffer => {
  const payload = Buffer.concat([Buffer.from([20]), Buffer.alloc(16, 7), ...lists.map(list), Buffer.alloc(5)])
  const padding = Buffer.alloc(8)
  const header = Buffer.alloc(5)
  header.writeUInt32BE(1 + payload.length + padding.length)
  header[4] = padding.length
  return Buffer.concat([header, payload, padding])
}

const lists = ["kex-a,kex-b", "host-a", "cs-cipher", "sc-cipher", "cs-mac", "sc-mac", "none", "none,zlib", "", ""]
const hello = Buffer.concat([Buffer.from("Welcome\r\nto this\nSSH-2.0-Test_1 comment\r\n"), kexInit(lists)])

describe("ServerHello", () => {
  it.each([
    ["S", ""],
    ["SSH-2.0-Open", ""],
    ["Welcome\r\nSSH-", ""],
    ["", ""],
    ["HTTP/1.1 400", "HTTP/1.1 400"],
    ["SMTP", "SMTP"],
    ["Welcome\r\n", "Welcome\\r\\n"]
  ])("after %j alone knows as a stranger %j", (text, stranger) => {
    const server = new ServerHello()
    server.push(Buffer.from(text))
    assert.strictEqual(server.stranger, stranger)
  })

  it.prop(
    "reads identification and algorithms, however the stream is cut",
    { size: Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 1, maximum: 60 }))) },
    ({ size }) => {
      const server = new ServerHello()
      for (let at = 0; at < hello.length; at += size) server.push(hello.subarray(at, at + size))
      assert.strictEqual(server.identification, "SSH-2.0-Test_1 comment")
      assert.deepStrictEqual(server.lists, {
        kex: ["kex-a", "kex-b"],
        serverHostKey: ["host-a"],
        cipher: ["cs-cipher"],
        mac: ["cs-mac"],
        compression: ["none"]
      })
      assert.isTrue(server.done)
    },
    { arbitrary: { runs: 60 } }
  )

  it.prop(
    "takes any bytes without a throw, before and after an identification",
    { bytes: Schema.Uint8Array, identified: Schema.Boolean },
    ({ bytes, identified }) => {
      const server = new ServerHello()
      if (identified) server.push(Buffer.from("SSH-2.0-x\r\n"))
      server.push(bytes)
      server.push(bytes)
      assert.isAtMost(server.received.length, 120)
    },
    { arbitrary: { runs: 300 } }
  )

  it("gives up on a stream that is no SSH", () => {
    const server = new ServerHello()
    for (let i = 0; i < 70; i++) server.push(Buffer.alloc(1024, "x"))
    assert.isTrue(server.done)
    assert.isUndefined(server.identification)
  })

  it("gives up on a packet longer than any may be", () => {
    const server = new ServerHello()
    server.push(Buffer.from("SSH-2.0-x\r\n\xff\xff\xff\xff\x04\x14", "latin1"))
    assert.isTrue(server.done)
    assert.isUndefined(server.lists)
  })
})
