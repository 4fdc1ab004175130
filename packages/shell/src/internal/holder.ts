/** Keeps files open on the machine: one shell for all of them, for as long as there are some. */
import { type Cause, Deferred, Effect, Exit, type PlatformError, Queue, Scope, Semaphore, Stream } from "effect"
import * as Failure from "./failure.ts"
import * as Writing from "./script/writing.ts"
import { argument, type Call, checkArguments, type Shell } from "./shell.ts"

export interface Held {
  /** Where operations find the file. */
  readonly handle: string
  /** Who it is, for a handle that may lead to another file. */
  readonly identity: string
}

export interface Holder {
  /** Runs a script of `Writing.open`; the scope's end closes the file. */
  readonly open: (call: Call) => Effect.Effect<Held, PlatformError.PlatformError, Scope.Scope>
}

type Failed = PlatformError.PlatformError

/** What the shell says of one request: who works on it, and what came of it. */
interface Request {
  pid: string | undefined
  result: readonly [word: string, rest: string] | undefined
  /** Nobody waits for it any more. */
  isOver: boolean
  readonly done: Deferred.Deferred<void>
}

/** The shell that holds files at the moment. */
interface Keeping {
  readonly scope: Scope.Closeable
  readonly requests: Queue.Queue<Uint8Array, Cause.Done>
  readonly waiting: Map<number, Request>
  readonly ended: Deferred.Deferred<never, Failed>
  users: number
}

const encoder = new TextEncoder()

const say = ({ requests }: Keeping, text: string): void => {
  Queue.offerUnsafe(requests, encoder.encode(`${text}\n`))
}

/** Closes what nobody wants, once it is known what there is to close. */
const settle = (keeping: Keeping, id: number, { isOver, pid, result }: Request): void => {
  if (!isOver || pid === undefined || result === undefined) return
  keeping.waiting.delete(id)
  say(keeping, `${result[0] === "ok" ? "c" : "f"}${pid}`)
}

const take = (keeping: Keeping, line: string): void => {
  const [text = "", word = "", ...rest] = line.split(" ")
  const id = Number(text)
  const request = keeping.waiting.get(id)
  if (request === undefined) return
  if (word === "pid") request.pid = rest[0]
  else request.result = [word, rest.join(" ")]
  // Either may be said first.
  if (request.pid !== undefined && request.result !== undefined) Deferred.doneUnsafe(request.done, Effect.void)
  settle(keeping, id, request)
}

export const make = Effect.fnUntraced(function* (shell: Shell): Effect.fn.Return<Holder> {
  const changing = yield* Semaphore.make(1)
  let current: Keeping | undefined
  let number = 0

  const begin = Effect.fnUntraced(function* (call: Call): Effect.fn.Return<Keeping> {
    const scope = yield* Scope.make()
    const requests = yield* Queue.unbounded<Uint8Array, Cause.Done>()
    const keeping: Keeping = { scope, requests, waiting: new Map(), ended: Deferred.makeUnsafe(), users: 0 }
    const listen = Effect.gen(function* () {
      const { line } = yield* shell.talk({
        ...call,
        script: Writing.holder,
        args: [],
        stdin: Stream.fromQueue(requests)
      })
      for (;;) take(keeping, yield* line)
    })
    yield* listen.pipe(
      Effect.onExit((exit) => Effect.sync(() => Deferred.doneUnsafe(keeping.ended, exit))),
      Scope.provide(scope),
      Effect.forkIn(scope)
    )
    return keeping
  })

  const enter = (call: Call) =>
    changing.withPermits(1)(
      Effect.gen(function* () {
        const keeping = current ?? (yield* begin(call))
        current = keeping
        keeping.users += 1
        return keeping
      })
    )

  /** The last one to leave ends the shell; one that has ended by itself serves nobody any more. */
  const leave = (keeping: Keeping) =>
    changing.withPermits(1)(
      Effect.suspend(() => {
        keeping.users -= 1
        const isOver = keeping.users === 0 || Deferred.isDoneUnsafe(keeping.ended)
        if (isOver && current === keeping) current = undefined
        return keeping.users === 0 ? Scope.close(keeping.scope, Exit.void) : Effect.void
      })
    )

  const open = Effect.fnUntraced(function* (call: Call): Effect.fn.Return<Held, Failed, Scope.Scope> {
    yield* checkArguments(call)
    const keeping = yield* Effect.acquireRelease(enter(call), leave)
    const id = (number += 1)
    const request: Request = { pid: undefined, result: undefined, isOver: false, done: Deferred.makeUnsafe() }
    keeping.waiting.set(id, request)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        request.isOver = true
        settle(keeping, id, request)
      })
    )
    say(keeping, `o${id} ${Writing.encode(`${Writing.parameters(call.args)}${call.script}`)}`)
    yield* Effect.raceFirst(Deferred.await(request.done), Deferred.await(keeping.ended))
    const [word, rest] = request.result ?? ["99", ""]
    if (word === "ok") return { handle: `/proc/${request.pid}/fd/4`, identity: rest }
    if (word === "path") return { handle: argument(call.path), identity: rest }
    return yield* Failure.fromExit(Number(word), { method: call.method, path: call.path, stderr: rest })
  })

  return { open }
})
