import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import * as Client from "../../../src/internal/sftp/client.ts"
import * as Session from "../../../src/internal/sftp/session.ts"
import { Reader, Writer } from "../../../src/internal/sftp/wire.ts"
import { failureOf } from "../../support/files.ts"

type Answer = (type: number, id: number) => ReadonlyArray<Buffer>

const frame = (body: Writer) => new Writer().string(body.bytes()).bytes()
const status = (id: number, code: number) => frame(new Writer().byte(101).uint32(id).uint32(code).string("").string(""))
const handle = (id: number) => frame(new Writer().byte(102).uint32(id).string("h"))
const names = (id: number, ...list: ReadonlyArray<string>) =>
  frame(
    list.reduce(
      (to, name) => to.string(name).string("").uint32(0),
      new Writer().byte(104).uint32(id).uint32(list.length)
    )
  )

/** A server that answers each request as it is told; the first one is about the round trip. */
const served = (answer: Answer) =>
  Effect.gen(function* () {
    let closed = false
    let wire = Buffer.alloc(0)
    const session: Session.Session = new Session.Session({
      send: (pieces) => {
        wire = Buffer.concat([wire, ...pieces])
        for (;;) {
          const length = new Reader(wire).uint32()
          if (wire.length < 4 || wire.length < length + 4) return
          const reader = new Reader(wire, 4)
          const type = reader.byte()
          const id = reader.uint32()
          wire = wire.subarray(length + 4)
          const replies = type === 1 ? [frame(new Writer().byte(2).uint32(3))] : answer(type, id)
          queueMicrotask(() => replies.forEach((reply) => session.receive(reply)))
        }
      },
      close: () => void (closed = true),
      packetBytes: 32_768
    })
    const extensions = yield* Deferred.await(session.greeted)
    const sftp = yield* Client.make(session, extensions, Effect.never)
    return { sftp, session, isClosed: () => closed }
  })

const realpath = 16

describe("a session", () => {
  it.effect("takes no name from a server that would lead out of its folder", () =>
    Effect.gen(function* () {
      for (const name of ["../evil", "a/b", "", "a\0"]) {
        let listed = false
        const { sftp } = yield* served((type, id) => {
          if (type === realpath) return [names(id, "/")]
          if (type === 11) return [handle(id)]
          if (type !== 12 || listed) return [status(id, type === 12 ? 1 : 0)]
          listed = true
          return [names(id, ".", "..", "fine", name)]
        })
        const { reason } = yield* failureOf(sftp.readDirectory("/"))
        assert.strictEqual(reason._tag, "FileFailed")
      }
    })
  )

  it.effect("ends, with all that waits, at an answer that nobody asked for or that answers something else", () =>
    Effect.gen(function* () {
      const bad: ReadonlyArray<(id: number) => Buffer> = [
        (id) => status(id + 1000, 0),
        (id) => names(id, "x"),
        () => frame(new Writer().byte(77).uint32(1)),
        () => new Writer().uint32(0).bytes(),
        (id) => frame(new Writer().byte(105).uint32(id).uint32(0xf))
      ]
      for (const reply of bad) {
        const { isClosed, sftp } = yield* served((type, id) => {
          if (type === realpath) return [names(id, "/")]
          return type === 17 ? [reply(id)] : []
        })
        const [first, second] = yield* Effect.all([failureOf(sftp.remove("/a")), failureOf(sftp.stat("/b"))], {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual([first.reason._tag, second.reason._tag], ["ConnectionLost", "ConnectionLost"])
        assert.deepStrictEqual([first.outcome, second.outcome], ["may-have-run", "did-not-run"])
        assert.isTrue(isClosed())
        assert.strictEqual((yield* failureOf(sftp.remove("/c"))).outcome, "did-not-run")
      }
    })
  )

  it.effect("closes a file whose opening was given up before the answer", () =>
    Effect.gen(function* () {
      const closes: Array<number> = []
      const late: Array<Buffer> = []
      const { session, sftp } = yield* served((type, id) => {
        if (type === realpath) return [names(id, "/")]
        if (type === 4) closes.push(id)
        if (type === 3) late.push(handle(id))
        return []
      })
      const opening = yield* Effect.forkChild(sftp.open("/a", { read: true }), { startImmediately: true })
      yield* Fiber.interrupt(opening)
      assert.deepStrictEqual(closes, [])
      for (const reply of late) session.receive(reply)
      assert.strictEqual(closes.length, 1)
    })
  )

  it.effect("asks no server about a path with a NUL in it", () =>
    Effect.gen(function* () {
      const { sftp } = yield* served((_type, id) => [names(id, "/")])
      assert.strictEqual((yield* failureOf(sftp.stat("a\0b"))).reason._tag, "InvalidArgument")
    })
  )
})
