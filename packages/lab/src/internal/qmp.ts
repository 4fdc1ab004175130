/** A client of QEMU's monitor (QMP: one JSON document a line over a unix socket). */
import { Deferred, Effect, Queue, type Scope } from "effect"
import * as Net from "node:net"
import { LabError } from "../LabError.ts"

export interface Monitor {
  /** Runs a command and gives back what it returns. */
  readonly run: (command: string, args?: Readonly<Record<string, unknown>>) => Effect.Effect<unknown, LabError>
  /** The names of the events, as they come. */
  readonly events: Queue.Dequeue<string>
}

interface Message {
  readonly id?: number
  readonly return?: unknown
  readonly error?: { readonly desc?: string }
  readonly event?: string
}

const connect = (path: string): Effect.Effect<Net.Socket, LabError> =>
  Effect.callback<Net.Socket, LabError>((resume) => {
    const socket = Net.connect(path)
    socket.once("connect", () => resume(Effect.succeed(socket)))
    socket.once("error", (cause) => resume(Effect.fail(new LabError({ message: "No QEMU monitor", cause }))))
    return Effect.sync(() => socket.destroy())
  })

/** Connects to a monitor that listens and leaves its negotiation mode. */
export const make = Effect.fnUntraced(function* (path: string): Effect.fn.Return<Monitor, LabError, Scope.Scope> {
  const socket = yield* Effect.acquireRelease(connect(path), (socket) => Effect.sync(() => socket.destroy()))
  const waiting = new Map<number, Deferred.Deferred<unknown, LabError>>()
  const events = yield* Queue.unbounded<string>()
  let last = 0
  let held = ""
  const onMessage = (message: Message): void => {
    if (message.event !== undefined) Queue.offerUnsafe(events, message.event)
    const asker = message.id === undefined ? undefined : waiting.get(message.id)
    if (message.id === undefined || asker === undefined) return
    waiting.delete(message.id)
    Deferred.doneUnsafe(
      asker,
      message.error === undefined
        ? Effect.succeed(message.return)
        : Effect.fail(new LabError({ message: `QEMU: ${message.error.desc ?? "refused"}` }))
    )
  }
  socket.on("data", (chunk) => {
    const lines = (held + chunk.toString("utf8")).split("\n")
    held = lines.pop() ?? ""
    for (const line of lines) if (line.trim() !== "") onMessage(JSON.parse(line) as Message) // QMP's own words
  })
  socket.on("error", () => undefined)
  socket.once("close", () => {
    for (const asker of waiting.values()) {
      Deferred.doneUnsafe(asker, Effect.fail(new LabError({ message: "QEMU has ended" })))
    }
  })
  const run: Monitor["run"] = (command, args) =>
    Effect.suspend(() => {
      const asker = Deferred.makeUnsafe<unknown, LabError>()
      const id = (last += 1)
      if (socket.destroyed) return Effect.fail(new LabError({ message: "QEMU has ended" }))
      waiting.set(id, asker)
      socket.write(`${JSON.stringify({ execute: command, id, ...(args === undefined ? {} : { arguments: args }) })}\n`)
      return Deferred.await(asker)
    })
  yield* run("qmp_capabilities")
  return { run, events }
})
