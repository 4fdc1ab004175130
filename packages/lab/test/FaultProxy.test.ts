import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Scope } from "effect"
import type { Scope as ScopeType } from "effect"
import * as Crypto from "node:crypto"
import * as Net from "node:net"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import * as InProcessServer from "@toehold/lab/InProcessServer"
import { client, refuses, run } from "./support/clients.ts"

/** A plain socket that notes what happens to it. */
class Peer {
  readonly socket: Net.Socket
  readonly chunks: Array<Buffer> = []
  size = 0
  ended = false
  error: string | undefined
  closed = false
  private waiting: Array<() => void> = []

  constructor(socket: Net.Socket) {
    this.socket = socket
    socket.on("data", (chunk) =>
      this.note(() => {
        this.chunks.push(chunk)
        this.size += chunk.length
      })
    )
    socket.on("end", () => this.note(() => (this.ended = true)))
    socket.on("error", (error: NodeJS.ErrnoException) => this.note(() => (this.error = error.code)))
    socket.on("close", () => this.note(() => (this.closed = true)))
  }
  private note(change: () => void): void {
    change()
    for (const wake of this.waiting.splice(0)) wake()
  }
  get received(): Buffer {
    return Buffer.concat(this.chunks)
  }
  until(condition: (peer: Peer) => boolean): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const look = () => (condition(this) ? resume(Effect.void) : void this.waiting.push(look))
      look()
    })
  }
  send(data: Buffer | string) {
    return Effect.sync(() => void this.socket.write(data))
  }
}

const has = (bytes: number) => (peer: Peer) => peer.size >= bytes

/** A server whose next connection can be taken, a proxy to it, and a client that comes through the proxy. */
const setUp = Effect.fnUntraced(function* (options: Omit<FaultProxy.Options, "target"> = {}) {
  const taken: Array<Peer> = []
  const waiting: Array<(peer: Peer) => void> = []
  const server = yield* Effect.acquireRelease(
    Effect.callback<Net.Server>((resume) => {
      const server = Net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
        const peer = new Peer(socket)
        const wake = waiting.shift()
        if (wake === undefined) taken.push(peer)
        else wake(peer)
      })
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )
  const proxy = yield* FaultProxy.make({
    target: { host: "127.0.0.1", port: (server.address() as Net.AddressInfo).port }, // it listens on TCP
    ...options
  })
  const connect: Effect.Effect<Peer, never, ScopeType.Scope> = Effect.acquireRelease(
    Effect.sync(
      () => new Peer(Net.connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true, noDelay: true }))
    ),
    (peer) => Effect.sync(() => peer.socket.destroy())
  )
  const take = Effect.callback<Peer>((resume) => {
    const peer = taken.shift()
    if (peer === undefined) waiting.push((peer) => resume(Effect.succeed(peer)))
    else resume(Effect.succeed(peer))
  })
  return { proxy, connect, take }
})

const pair = Effect.fnUntraced(function* (options: Omit<FaultProxy.Options, "target"> = {}) {
  const { proxy, connect, take } = yield* setUp(options)
  const client = yield* connect
  const server = yield* take
  yield* Effect.addFinalizer(() => Effect.sync(() => server.socket.destroy()))
  return { proxy, client, server }
})

describe("FaultProxy", () => {
  it.live("passes bytes on unchanged, counts them, and is gone with its scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const { proxy, client, server } = yield* pair().pipe(Scope.provide(scope))
      const data = Crypto.randomBytes(8 * 1024 * 1024)
      yield* client.send(data)
      yield* server.send("back")
      yield* server.until(has(data.length))
      yield* client.until(has(4))
      assert.isTrue(server.received.equals(data))
      assert.strictEqual(client.received.toString(), "back")
      assert.deepStrictEqual(yield* proxy.bytes, { toServer: data.length, toClient: 4 })
      assert.deepStrictEqual(yield* proxy.connections, { open: 1, accepted: 1 })
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(yield* refuses(proxy.port))
    }).pipe(Effect.scoped)
  )

  it.live("passes half-close on: the other direction goes on", () =>
    Effect.gen(function* () {
      const { client, server, proxy } = yield* pair()
      yield* Effect.sync(() => client.socket.end("question"))
      yield* server.until((peer) => peer.ended)
      assert.strictEqual(server.received.toString(), "question")
      yield* Effect.sync(() => server.socket.end("answer"))
      yield* client.until((peer) => peer.closed)
      assert.strictEqual(client.received.toString(), "answer")
      assert.isUndefined(client.error)
      assert.strictEqual((yield* proxy.connections).open, 0)
    }).pipe(Effect.scoped)
  )

  it.live("delays by the round trip, in order, without a loss of throughput", () =>
    Effect.gen(function* () {
      const { proxy, client, server } = yield* pair()
      yield* proxy.setRoundTrip("100 millis")
      const data = Crypto.randomBytes(4 * 1024 * 1024)
      const start = yield* Clock.currentTimeMillis
      yield* client.send(data)
      yield* server.until(has(1))
      assert.isAtLeast((yield* Clock.currentTimeMillis) - start, 49)
      yield* server.send("x")
      yield* client.until(has(1))
      const roundTrip = (yield* Clock.currentTimeMillis) - start
      assert.isAtLeast(roundTrip, 99)
      yield* server.until(has(data.length))
      assert.isTrue(server.received.equals(data))
      // 64 chunks of 64 KiB that waited for one another would take more than 3 s.
      assert.isBelow((yield* Clock.currentTimeMillis) - start, 2000)
    }).pipe(Effect.scoped)
  )

  it.live("delays the end of a connection behind its bytes", () =>
    Effect.gen(function* () {
      const { client, server } = yield* pair({ toServer: { delay: "50 millis" } })
      yield* Effect.sync(() => client.socket.end("late"))
      yield* server.until((peer) => peer.ended)
      assert.strictEqual(server.received.toString(), "late")
    }).pipe(Effect.scoped)
  )

  it.live("throttles, and pushes back on the sender", () =>
    Effect.gen(function* () {
      const { proxy, client, server } = yield* pair({ toServer: { bytesPerSecond: 100_000 } })
      const start = yield* Clock.currentTimeMillis
      yield* client.send(Buffer.alloc(64 * 1024 * 1024))
      yield* server.until(has(30_000))
      assert.isAtLeast((yield* Clock.currentTimeMillis) - start, 280)
      assert.isAbove(client.socket.writableLength, 32 * 1024 * 1024)
      assert.isBelow((yield* proxy.bytes).toServer, 1_000_000)
    }).pipe(Effect.scoped)
  )

  it.live("breaks bytes into small chunks", () =>
    Effect.gen(function* () {
      const { client, server } = yield* pair({ toServer: { chunkSize: 3 } })
      yield* client.send("0123456789")
      yield* server.until(has(10))
      assert.deepStrictEqual(
        server.chunks.map((chunk) => chunk.toString()),
        ["012", "345", "678", "9"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("falls silent after exactly so many bytes, one way, and drops the end as well", () =>
    Effect.gen(function* () {
      const { client, server } = yield* pair({ toServer: { silentAfter: 5 } })
      yield* client.send("012")
      yield* client.send("3456789")
      yield* server.until(has(5))
      yield* client.send("more")
      yield* Effect.sync(() => client.socket.end())
      yield* server.send("still heard")
      yield* client.until(has(11))
      assert.deepStrictEqual([server.received.toString(), server.ended], ["01234", false])
    }).pipe(Effect.scoped)
  )

  it.live("corrupts exactly one byte, at any chunking", () =>
    Effect.gen(function* () {
      const { client, server } = yield* pair({ toServer: { corruptAt: 5 } })
      yield* client.send("0123")
      yield* server.until(has(4))
      yield* client.send("456789")
      yield* server.until(has(10))
      const expected = Buffer.from("0123456789")
      expected.writeUInt8(expected.readUInt8(5) ^ 0xff, 5)
      assert.isTrue(server.received.equals(expected))
    }).pipe(Effect.scoped)
  )

  for (const by of ["fin", "rst"] as const) {
    it.live(`cuts after exactly N bytes by ${by}`, () =>
      Effect.gen(function* () {
        const { proxy, client, server } = yield* pair()
        yield* client.send("1234")
        yield* server.until(has(4))
        const seen = (yield* proxy.bytes).toServer
        yield* proxy.set("toServer", { cutAfter: { bytes: seen + 3, by } })
        yield* client.send("567890")
        yield* Effect.forEach([client, server], (peer) => peer.until((peer) => peer.ended || peer.closed))
        assert.strictEqual(server.received.toString(), "1234567")
        const error = by === "rst" ? "ECONNRESET" : undefined
        assert.deepStrictEqual([client.error, server.error], [error, error])
      }).pipe(Effect.scoped)
    )

    it.live(`cuts at once by ${by}, and takes new connections after`, () =>
      Effect.gen(function* () {
        const { proxy, connect, take } = yield* setUp()
        const client = yield* connect
        const server = yield* take
        yield* proxy.cut(by)
        yield* Effect.forEach([client, server], (peer) => peer.until((peer) => peer.ended || peer.closed))
        assert.strictEqual(client.error, by === "rst" ? "ECONNRESET" : undefined)
        const next = yield* connect
        yield* (yield* take).send("hello")
        yield* next.until(has(5))
      }).pipe(Effect.scoped)
    )
  }

  it.live("cuts before the first byte", () =>
    Effect.gen(function* () {
      const { connect } = yield* setUp({ toClient: { cutAfter: { bytes: 0, by: "fin" } } })
      const client = yield* connect
      yield* client.until((peer) => peer.ended)
      assert.strictEqual(client.size, 0)
    }).pipe(Effect.scoped)
  )

  it.live("swallows one direction without an end, while the other works", () =>
    Effect.gen(function* () {
      const { proxy, client, server } = yield* pair()
      yield* proxy.set("toServer", { swallow: true })
      yield* Effect.sync(() => client.socket.end("lost"))
      yield* server.send("still here")
      yield* client.until(has(10))
      yield* Effect.sleep("30 millis")
      assert.strictEqual(server.size, 0)
      assert.isFalse(server.ended)
    }).pipe(Effect.scoped)
  )

  it.live("leaves a connection dead that lost something, its end too, when the network heals", () =>
    Effect.gen(function* () {
      const { proxy, connect, take } = yield* setUp()
      const client = yield* connect
      const server = yield* take
      yield* proxy.set("both", { swallow: true })
      yield* client.send("lost")
      yield* Effect.sleep("30 millis")
      yield* proxy.heal
      yield* client.send("more")
      yield* Effect.sync(() => client.socket.end())
      const next = yield* connect
      yield* next.send("next")
      yield* (yield* take).until(has(4))
      yield* Effect.sleep("30 millis")
      assert.deepStrictEqual([server.size, server.ended], [0, false])
    }).pipe(Effect.scoped)
  )

  it.live("holds bytes and the end back until the network heals", () =>
    Effect.gen(function* () {
      const { proxy, client, server } = yield* pair()
      yield* proxy.set("both", { hold: true })
      yield* Effect.sync(() => client.socket.end("kept"))
      yield* Effect.sleep("30 millis")
      assert.strictEqual(server.size, 0)
      yield* proxy.heal
      yield* server.until((peer) => peer.ended)
      assert.strictEqual(server.received.toString(), "kept")
    }).pipe(Effect.scoped)
  )

  it.live("refuses, stalls and forwards new connections", () =>
    Effect.gen(function* () {
      const { proxy, connect, take } = yield* setUp({ welcome: "refuse" })
      const refused = yield* connect
      yield* refused.until((peer) => peer.closed)
      assert.strictEqual(refused.error, "ECONNREFUSED")
      yield* proxy.welcome("stall")
      const stalled = yield* connect
      yield* stalled.send("anyone?")
      yield* Effect.sleep("30 millis")
      assert.strictEqual(stalled.size, 0)
      assert.isFalse(stalled.closed)
      yield* proxy.heal
      const forwarded = yield* connect
      yield* (yield* take).send("yes")
      yield* forwarded.until(has(3))
      assert.deepStrictEqual(yield* proxy.connections, { open: 2, accepted: 2 })
    }).pipe(Effect.scoped)
  )

  if (process.platform === "linux") {
    it.live("drops new connections as a firewall does, and forwards them again", () =>
      Effect.gen(function* () {
        const { connect, proxy, take } = yield* setUp()
        yield* proxy.welcome("drop")
        const dropped = yield* connect
        yield* Effect.sleep("100 millis")
        assert.deepStrictEqual([dropped.error, dropped.socket.connecting], [undefined, true])
        yield* proxy.heal
        const forwarded = yield* connect
        yield* (yield* take).send("yes")
        yield* forwarded.until(has(3))
      }).pipe(Effect.scoped)
    )
  }

  it.live("resets a client whose server is not there", () =>
    Effect.gen(function* () {
      const gone = yield* FaultProxy.make({ target: { host: "127.0.0.1", port: 1 } })
      const client = new Peer(Net.connect(gone.port, gone.host))
      yield* client.until((peer) => peer.closed)
      assert.strictEqual(client.error, "ECONNRESET")
    }).pipe(Effect.scoped)
  )

  it.live("carries a whole SSH session, late and in small pieces", () =>
    Effect.gen(function* () {
      const server = yield* InProcessServer.make()
      // ssh2 loses what lies between the first and the last piece of an identification: two pieces are what it can take.
      const proxy = yield* FaultProxy.make({
        target: server,
        toServer: { chunkSize: 16 },
        toClient: { chunkSize: 16, delay: "5 millis" }
      })
      const connection = yield* client({ ...server, host: proxy.host, port: proxy.port })
      const ran = yield* run(connection, "cat; exit 3", "x".repeat(10_000))
      assert.strictEqual(ran?.stdout.length, 10_000)
      assert.strictEqual(ran?.code, 3)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
