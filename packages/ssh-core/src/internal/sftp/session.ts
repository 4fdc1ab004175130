import { Deferred, Effect, Exit, Result } from "effect"
import { Frames } from "./frames.ts"
import * as Packet from "./packet.ts"

/** What carries the bytes of a session; what comes back is given to {@link Session.receive}. */
export interface ByteChannel {
  /** Sends pieces one after the other. Nothing happens where the channel has ended. */
  readonly send: (pieces: ReadonlyArray<Uint8Array>) => void
  readonly close: () => void
  /** The most bytes that travel as one unit. */
  readonly packetBytes: number
}

/** Why a request has no value: the server's own answer, or the end of the session before it. */
export type Failure =
  | { readonly _tag: "Status"; readonly code: number; readonly message: string }
  /** `sent` is `false` where the request was never on its way. */
  | { readonly _tag: "Ended"; readonly detail: string; readonly sent: boolean }

/** The value of a reply; `undefined` for a reply that doesn't answer the request. */
export type Accept<A> = (reply: Packet.Reply) => Result.Result<A, Failure> | undefined

/** Of SSH_FXP_STATUS. */
export const status = { ok: 0, endOfFile: 1 } as const

interface Waiting {
  readonly settle: (outcome: Result.Result<Packet.Reply, Failure>) => void
}

/** One SFTP session: numbers the requests, and gives each its reply, or the reason why none will come. */
export class Session {
  readonly #channel: ByteChannel
  readonly #frames: Frames
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 0
  #end: string | undefined
  /** Done with the extensions when the server has answered; failed with the reason when it never will. */
  readonly greeted: Deferred.Deferred<ReadonlyMap<string, string>, string> = Deferred.makeUnsafe()
  /** Done with the reason when the session is over. */
  readonly ended: Deferred.Deferred<string> = Deferred.makeUnsafe()
  #isGreeted = false

  constructor(channel: ByteChannel) {
    this.#channel = channel
    this.#frames = new Frames(
      (packet) => (this.#isGreeted ? this.#reply(packet) : this.#greet(packet)),
      (detail) => this.fail(`the server sent ${detail}`)
    )
    channel.send([Packet.init])
  }

  get isOpen(): boolean {
    return this.#end === undefined
  }

  /** What the login printed before the first packet. */
  get noise(): string {
    return this.#frames.noise
  }

  receive(chunk: Buffer): void {
    this.#frames.push(chunk)
  }

  /** The session is over: everything that waits ends now, and what is asked later ends at once. */
  end(detail: string): void {
    if (this.#end !== undefined) return
    this.#end = detail
    this.#frames.stop()
    const failure = Result.fail<Failure>({ _tag: "Ended", detail, sent: true })
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { settle } of waiting) settle(failure)
    Deferred.doneUnsafe(this.greeted, Exit.fail(detail))
    Deferred.doneUnsafe(this.ended, Exit.succeed(detail))
  }

  /** Ends the session from this side. */
  fail(detail: string): void {
    this.#channel.close()
    this.end(detail)
  }

  /** Sends a request at once; `settle` is called when its reply comes or can't come any more. */
  ask<A>(request: Packet.Request, accept: Accept<A>, settle: (result: Result.Result<A, Failure>) => void): void {
    if (this.#end !== undefined) return settle(Result.fail({ _tag: "Ended", detail: this.#end, sent: false }))
    const id = this.#number()
    this.#waiting.set(id, {
      settle: (outcome) => {
        if (Result.isFailure(outcome)) return settle(Result.fail(outcome.failure))
        const accepted = accept(outcome.success)
        if (accepted !== undefined) return settle(accepted)
        const detail = `the server answered with an SFTP ${outcome.success._tag} what asks for something else`
        settle(Result.fail({ _tag: "Ended", detail, sent: true }))
        return this.fail(detail)
      }
    })
    this.#channel.send(Packet.encode(id, request, this.#channel.packetBytes))
  }

  /** Sends a request and waits for its value. `late` is given a value that comes when nobody waits for it any more. */
  request<A>(request: Packet.Request, accept: Accept<A>, late?: (value: A) => void): Effect.Effect<A, Failure> {
    return Effect.callback<A, Failure>((resume) => {
      let abandoned = false
      this.ask(request, accept, (result) => {
        if (!abandoned) resume(Effect.fromResult(result))
        else if (Result.isSuccess(result)) late?.(result.success)
      })
      return Effect.sync(() => {
        abandoned = true
      })
    })
  }

  /** Sends a request of which nobody waits for the answer. */
  tell(request: Packet.Request): void {
    this.ask(
      request,
      () => Result.succeed(undefined),
      () => undefined
    )
  }

  #number(): number {
    do this.#nextId = (this.#nextId + 1) >>> 0
    while (this.#waiting.has(this.#nextId))
    return this.#nextId
  }

  #greet(packet: Buffer): void {
    const extensions = Packet.decodeVersion(packet)
    if (Result.isFailure(extensions)) return this.fail(`the server sent ${extensions.failure}`)
    this.#isGreeted = true
    Deferred.doneUnsafe(this.greeted, Exit.succeed(extensions.success))
  }

  #reply(packet: Buffer): void {
    const decoded = Packet.decode(packet)
    if (Result.isFailure(decoded)) return this.fail(`the server sent ${decoded.failure}`)
    const { id, reply } = decoded.success
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return this.fail("the server answered an SFTP request that was not made")
    this.#waiting.delete(id)
    waiting.settle(Result.succeed(reply))
  }
}

const failed = (reply: Packet.Reply): Result.Result<never, Failure> | undefined =>
  reply._tag === "Status" && reply.code !== status.ok ? Result.fail(reply) : undefined

/** A reply that is nothing but the word that it was done. */
export const done: Accept<void> = (reply) =>
  reply._tag === "Status" && reply.code === status.ok ? Result.succeed(undefined) : failed(reply)

export const handle: Accept<Uint8Array> = (reply) =>
  // A copy, as what came with it would be kept for as long as the file is open.
  reply._tag === "Handle" ? Result.succeed(Uint8Array.from(reply.handle)) : failed(reply)

export const attributes: Accept<Extract<Packet.Reply, { _tag: "Attributes" }>["attributes"]> = (reply) =>
  reply._tag === "Attributes" ? Result.succeed(reply.attributes) : failed(reply)

/** `undefined` at the end of the file. */
export const data: Accept<Buffer | undefined> = (reply) => {
  if (reply._tag === "Data") return Result.succeed(reply.data)
  return isEnd(reply) ? Result.succeed(undefined) : failed(reply)
}

/** `undefined` at the end of the list. */
export const entries: Accept<ReadonlyArray<Packet.Entry> | undefined> = (reply) => {
  if (reply._tag === "Names") return Result.succeed(reply.entries)
  return isEnd(reply) ? Result.succeed(undefined) : failed(reply)
}

/** The one name of a reply. */
export const name: Accept<string> = (reply) => {
  const first = reply._tag === "Names" ? reply.entries[0] : undefined
  return first === undefined ? failed(reply) : Result.succeed(first.name)
}

export const extended: Accept<Extract<Packet.Reply, { _tag: "Extended" }>["reader"]> = (reply) =>
  reply._tag === "Extended" ? Result.succeed(reply.reader) : failed(reply)

const isEnd = (reply: Packet.Reply): boolean => reply._tag === "Status" && reply.code === status.endOfFile
