/**
 * The driver over a connection that an `ssh` of the system holds: its control socket (ControlMaster) hands out the
 * connection's channels as they are, in what OpenSSH calls proxy mode (PROTOCOL.mux; OpenSSH 7.4, 2016, and later). The
 * driver's transport is put aside, for `ssh` has done that part, and its channels speak through the socket: a command's
 * exit status, its signals, SFTP and forwarding are what they are over a connection of the driver's own.
 */
import { Data, Deferred, Effect, type Scope } from "effect"
import * as Net from "node:net"
import type * as Ssh2 from "ssh2"
import * as Driver from "../driver.ts"

/** The socket is not there, or nobody behind it speaks proxy mode. */
export class NoProxy extends Data.TaggedError("NoProxy")<{ readonly detail: string; readonly isMissing: boolean }> {}

const hello = 0x00000001
const version = 4
const proxyRequest = 0x1000000f
const proxyGranted = 0x8000000f

/** Larger than what a channel may send at once (RFC 4253, section 6.1), with what OpenSSH allows itself beyond that. */
const maxPacket = 256 * 1024

const message = (...numbers: ReadonlyArray<number>): Buffer => {
  const bytes = Buffer.alloc(4 + 4 * numbers.length)
  for (const [at, number] of [4 * numbers.length, ...numbers].entries()) bytes.writeUInt32BE(number, 4 * at)
  return bytes
}

/** Cuts a stream into the parts that a length of four bytes stands before. */
export class Frames {
  #held: Buffer = Buffer.alloc(0)

  /** What was not taken yet. */
  get rest(): Buffer {
    return this.#held
  }

  /** Hands over each whole part until `take` says that it wants no more; `false` for a length that can't be. */
  push(chunk: Buffer, take: (part: Buffer) => boolean): boolean {
    let data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    let wanted = true
    while (wanted && data.length >= 4) {
      const length = data.readUInt32BE(0)
      if (length > maxPacket) return false
      if (data.length < 4 + length) break
      wanted = take(data.subarray(4, 4 + length))
      data = data.subarray(4 + length)
    }
    this.#held = data
    return true
  }
}

/** Asks for proxy mode, and gives the socket back paused when it has that. */
const enterProxy = (path: string): Effect.Effect<Net.Socket, NoProxy> =>
  Effect.callback<Net.Socket, NoProxy>((resume) => {
    const socket = Net.connect(path)
    const frames = new Frames()
    const fail = (detail: string, isMissing = false): void => {
      socket.destroy()
      resume(Effect.fail(new NoProxy({ detail, isMissing })))
    }
    const onData = (chunk: Buffer): void => {
      let granted = false
      const isSound = frames.push(chunk, (part) => {
        const type = part.length >= 4 ? part.readUInt32BE(0) : -1
        granted = type === proxyGranted
        if (!granted && type !== hello) fail(`it answered ${type.toString(16)}`)
        return !granted && !socket.destroyed
      })
      if (!isSound) return fail("it speaks another protocol")
      if (!granted) return
      socket.off("data", onData).off("error", onError).off("close", onClose)
      socket.pause()
      if (frames.rest.length > 0) socket.unshift(frames.rest)
      resume(Effect.succeed(socket))
    }
    const onError = (error: NodeJS.ErrnoException): void => fail(error.message, error.code === "ENOENT")
    const onClose = (): void => fail("it was closed")
    socket.on("data", onData).on("error", onError).on("close", onClose)
    socket.write(Buffer.concat([message(hello, version), message(proxyRequest, 0)]))
    return Effect.sync(() => void socket.destroy())
  })

/** What of the driver's insides is put in other words: pinned with its version, and looked at by the tests. */
interface Inside {
  readonly _protocol: {
    start: () => void
    _parse: (chunk: Buffer, from: number, to: number) => number
    _cipher: object
    readonly _onWrite: (data: Buffer) => void
    readonly _onPayload: (payload: Buffer) => void
    readonly _onHeader: (header: object) => void
  }
}

/** The length, no padding, and the message: what a packet is before it is encrypted (RFC 4253, section 6). */
const plainCipher = (write: (packet: Buffer) => void) => ({
  outSeqno: 0,
  free: () => undefined,
  allocPacket: (length: number): Buffer => {
    const packet = Buffer.allocUnsafe(5 + length)
    packet.writeUInt32BE(1 + length, 0)
    packet[4] = 0
    return packet
  },
  encrypt: write
})

/** Gives the driver a connection that is authenticated already, to a server that names itself so. */
const graft = (Client: Driver.Driver["Client"], socket: Net.Socket, identification: string): Ssh2.Client => {
  const client = new Client()
  client.connect({ sock: socket, username: "-", readyTimeout: 0 })
  const { _protocol: protocol } = client as unknown as Inside // see Inside
  const frames = new Frames()
  protocol.start = () => undefined
  protocol._cipher = plainCipher(protocol._onWrite)
  protocol._parse = (chunk, from, to) => {
    const isSound = frames.push(chunk.subarray(from, to), (packet) => {
      const padding = packet[0] ?? 0
      // What holds no message is passed over.
      if (packet.length > 1 + padding) protocol._onPayload(packet.subarray(1, packet.length - padding))
      return true
    })
    if (!isSound) socket.destroy(new Error("the control socket speaks another protocol"))
    return to
  }
  protocol._onHeader({ versions: { protocol: "2.0", software: identification.replace(/^SSH-2\.0-/, "") } })
  return client
}

export interface MuxClient {
  readonly client: Ssh2.Client
  /** Done when the socket was closed, whoever did it. */
  readonly closed: Deferred.Deferred<void>
}

/** The driver, connected through a control socket; the scope's end closes it, and every channel with it. */
export const open = Effect.fnUntraced(function* (
  path: string,
  identification: string
): Effect.fn.Return<MuxClient, NoProxy, Scope.Scope> {
  const { Client } = yield* Driver.load
  const socket = yield* Effect.acquireRelease(enterProxy(path), (socket) => Effect.sync(() => void socket.destroy()), {
    interruptible: true
  })
  return yield* Effect.sync(() => {
    const closed = Deferred.makeUnsafe<void>()
    const client = graft(Client, socket, identification)
    // An error that nobody listens for would be thrown; the close that follows it is what counts.
    client.on("error", () => undefined).once("close", () => Deferred.doneUnsafe(closed, Effect.void))
    return { client, closed }
  })
})
