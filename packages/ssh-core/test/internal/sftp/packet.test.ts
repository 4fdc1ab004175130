import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import * as Attributes from "../../../src/internal/sftp/attributes.ts"
import { Frames, maxPacketBytes } from "../../../src/internal/sftp/frames.ts"
import * as Packet from "../../../src/internal/sftp/packet.ts"
import { Reader, Writer } from "../../../src/internal/sftp/wire.ts"

const upTo = (maximum: number) => Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum })))
const uint32 = upTo(0xff_ff_ff_ff)
const bytes = Schema.Array(upTo(255))
const size = Schema.BigInt.pipe(Schema.check(Schema.isBetweenBigInt({ minimum: 0n, maximum: 2n ** 64n - 1n })))

const attributes = Schema.Struct({
  size: Schema.optionalKey(size),
  owner: Schema.optionalKey(Schema.Struct({ uid: uint32, gid: uint32 })),
  mode: Schema.optionalKey(uint32),
  times: Schema.optionalKey(Schema.Struct({ atime: uint32, mtime: uint32 }))
})

const flat = ({ mode, owner, size, times }: typeof attributes.Type): Attributes.Attributes => ({
  ...(size === undefined ? {} : { size }),
  ...owner,
  ...(mode === undefined ? {} : { mode }),
  ...times
})

const reply = (type: number, id: number, body: Uint8Array) => new Writer().byte(type).uint32(id).raw(body).bytes()

const decoded = (packet: Buffer) => Result.getOrThrow(Packet.decode(packet))

describe("attributes", () => {
  it.prop("are read as they were written", { given: Arbitrary.schema(attributes) }, ({ given }) => {
    const written = Attributes.written(flat(given))
    const reader = new Reader(written)
    assert.deepStrictEqual(Attributes.read(reader), flat(given))
    assert.isTrue(reader.isWhole && reader.remaining === 0)
  })

  it("may have extensions, which are passed over", () => {
    const written = new Writer()
      .uint32(0x80000004)
      .uint32(0o100644)
      .uint32(1)
      .string("a@b")
      .string("c")
      .uint32(7)
      .bytes()
    const reader = new Reader(written)
    assert.deepStrictEqual(Attributes.read(reader), { mode: 0o100644 })
    assert.strictEqual(reader.uint32(), 7)
  })

  it.each([
    [0o100644, "File"],
    [0o040755, "Directory"],
    [0o120777, "SymbolicLink"],
    [0o010600, "FIFO"],
    [0o140600, "Socket"],
    [0o060600, "BlockDevice"],
    [0o020600, "CharacterDevice"],
    [0o644, "Unknown"]
  ] as const)("of mode %o are those of a %s", (mode, kind) => {
    assert.strictEqual(Attributes.kindOf({ mode }), kind)
  })
})

describe("a reply", () => {
  const names = Schema.Array(Schema.Struct({ name: Schema.String, attributes }))

  it.prop(
    "is read as it was sent",
    {
      id: Arbitrary.schema(uint32),
      code: Arbitrary.schema(uint32),
      data: Arbitrary.schema(bytes),
      list: Arbitrary.schema(names)
    },
    ({ code, data, id, list }) => {
      const content = Buffer.from(data)
      assert.deepStrictEqual(decoded(reply(101, id, new Writer().uint32(code).string("why").string("en").bytes())), {
        id,
        reply: { _tag: "Status", code, message: "why" }
      })
      assert.deepStrictEqual(decoded(reply(103, id, new Writer().string(content).bytes())), {
        id,
        reply: { _tag: "Data", data: content }
      })
      const written = list.reduce(
        (to, entry) =>
          to
            .string(entry.name)
            .string("-rw")
            .raw(Attributes.written(flat(entry.attributes))),
        new Writer().uint32(list.length)
      )
      const wellFormed = list.map((entry) => ({
        name: Buffer.from(entry.name).toString(),
        attributes: flat(entry.attributes)
      }))
      assert.deepStrictEqual(decoded(reply(104, id, written.bytes())), {
        id,
        reply: { _tag: "Names", entries: wellFormed }
      })
      if (content.length <= 256) {
        const { reply: handle } = decoded(reply(102, id, new Writer().string(content).bytes()))
        assert.isTrue(handle._tag === "Handle" && content.equals(handle.handle))
      }
    }
  )

  it.prop(
    "is an answer or a failure, whatever the bytes",
    { data: Arbitrary.schema(bytes), type: Arbitrary.schema(upTo(255)) },
    ({ data, type }) => {
      for (const packet of [Buffer.from(data), reply(type, 1, Buffer.from(data))]) {
        assert.isNotEmpty(
          Result.match(Packet.decode(packet), { onFailure: (detail) => detail, onSuccess: () => "read" })
        )
        Packet.decodeVersion(packet)
      }
    }
  )

  it("that claims a billion names costs nothing", () => {
    const packet = reply(104, 1, new Writer().uint32(0xff_ff_ff_ff).bytes())
    assert.isTrue(Result.isFailure(Packet.decode(packet)))
    const extended = reply(105, 1, new Writer().uint32(0x80000000).uint32(0xff_ff_ff_ff).bytes())
    assert.isTrue(Result.isSuccess(Packet.decode(extended)))
  })

  it("without a message is a status all the same, and one that is cut short is none", () => {
    assert.deepStrictEqual(decoded(reply(101, 5, new Writer().uint32(4).bytes())).reply, {
      _tag: "Status",
      code: 4,
      message: ""
    })
    assert.isTrue(Result.isFailure(Packet.decode(reply(101, 5, Buffer.alloc(3)))))
    assert.isTrue(Result.isFailure(Packet.decode(reply(102, 5, new Writer().string(Buffer.alloc(257)).bytes()))))
  })
})

describe("a request", () => {
  it.prop(
    "is the same bytes however it is divided",
    { data: Arbitrary.schema(bytes), first: Arbitrary.schema(upTo(300)) },
    ({ data, first }) => {
      const request = Packet.write(Buffer.from("h"), 2n ** 40n + 1n, Buffer.from(data))
      const whole = Buffer.concat(Packet.encode(7, request, first).map((piece) => Buffer.from(piece)))
      const reader = new Reader(whole)
      assert.strictEqual(reader.uint32(), whole.length - 4)
      assert.strictEqual(reader.byte(), 6)
      assert.strictEqual(reader.uint32(), 7)
      assert.strictEqual(reader.text(), "h")
      assert.strictEqual(reader.uint64(), 2n ** 40n + 1n)
      assert.deepStrictEqual([...reader.string()], [...data])
      assert.isTrue(reader.isWhole && reader.remaining === 0)
    }
  )
})

/** What is found in a stream that comes in pieces of these sizes, again and again. */
const cut = (stream: Buffer, sizes: ReadonlyArray<number>) => {
  const packets: Array<string> = []
  let invalid: string | undefined
  const frames = new Frames(
    (packet) => packets.push(packet.toString("hex")),
    (detail) => void (invalid = detail)
  )
  for (let at = 0, step = 0; at < stream.length; step++) {
    const length = Math.max(1, sizes[step % Math.max(1, sizes.length)] ?? stream.length)
    frames.push(stream.subarray(at, at + length))
    at += length
  }
  return { packets, invalid, noise: frames.noise }
}

describe("Frames", () => {
  const version = new Writer().byte(2).uint32(3).string("limits@openssh.com").string("1").bytes()

  it.prop(
    "finds the packets whatever pieces they come in, and whatever text comes before",
    {
      packets: Arbitrary.schema(Schema.Array(bytes)),
      sizes: Arbitrary.schema(Schema.Array(upTo(20))),
      noise: Arbitrary.schema(Schema.String)
    },
    ({ noise, packets, sizes }) => {
      const sent = [version, ...packets.filter(({ length }) => length > 0).map((packet) => Buffer.from(packet))]
      const text = noise.replaceAll("\0", "")
      const stream = Buffer.concat([Buffer.from(text), ...sent.map((packet) => new Writer().string(packet).bytes())])
      const found = cut(stream, sizes)
      assert.deepStrictEqual(
        found.packets,
        sent.map((packet) => packet.toString("hex"))
      )
      assert.isUndefined(found.invalid)
    }
  )

  it.prop(
    "never throws, whatever the bytes",
    { data: Arbitrary.schema(bytes), sizes: Arbitrary.schema(Schema.Array(upTo(20))) },
    ({ data, sizes }) => {
      cut(Buffer.from(data), sizes)
      cut(Buffer.concat([new Writer().string(version).bytes(), Buffer.from(data)]), sizes)
    }
  )

  it("takes no packet that is too long, and no endless text", () => {
    const start = new Writer().string(version)
    assert.match(cut(start.uint32(maxPacketBytes + 1).bytes(), []).invalid ?? "", /SFTP packet of 1048577 bytes/)
    assert.match(cut(Buffer.alloc(100_000, "x"), [1000]).invalid ?? "", /text in place of SFTP/)
    assert.strictEqual(cut(Buffer.from("Welcome!\n"), []).noise, "Welcome!")
  })
})
