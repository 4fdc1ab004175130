/** What becomes of a command that runs: its end, its time limits, and ending it. */
import { Clock, Deferred, Effect, type Scope } from "effect"
import type { Agent } from "./agent.ts"
import type { Answer } from "./answers.ts"

export interface Limits {
  readonly timeoutMs: number | undefined
  readonly idleTimeoutMs: number | undefined
  readonly killGraceMs: number
}

/** How a command ended: `code` with the sizes of what it wrote, where they are known. */
export interface End {
  readonly code: number
  readonly sizes: readonly [stdout: number | undefined, stderr: number | undefined]
}

/** What is known of a command that runs. */
export interface Watch {
  readonly ended: Deferred.Deferred<End>
  /** It was refused: an answer that says why. */
  readonly refused: Deferred.Deferred<Answer>
  /** Something was heard since the last look. */
  activity: number
  /** Answers that came damaged. */
  damages: number
  /** Done, and made anew, when an answer comes damaged: it may have been the end. */
  doubt: Deferred.Deferred<void>
}

const sizeOf = (field: string | undefined): number | undefined =>
  field !== undefined && /^\d+$/.test(field) ? Number(field) : undefined

/** Hears what concerns one command. */
export const watch = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  ear: { readonly bytes: (data: Uint8Array) => void; readonly other: (answer: Answer) => void }
): Effect.fn.Return<Watch, never, Scope.Scope> {
  const state: Watch = {
    ended: Deferred.makeUnsafe(),
    refused: Deferred.makeUnsafe(),
    activity: 0,
    damages: 0,
    doubt: Deferred.makeUnsafe()
  }
  const own = String(sequence)
  yield* agent.hear({
    bytes: (data) => {
      state.activity += data.length
      ear.bytes(data)
    },
    answer: (answer) => {
      state.activity += 1
      if (answer === undefined) {
        state.damages += 1
        Deferred.doneUnsafe(state.doubt, Effect.void)
        state.doubt = Deferred.makeUnsafe()
        return
      }
      if (answer.fields[0] === own) {
        const [, code, stdout, stderr] = answer.fields
        if (answer.kind === "e") {
          const end: End = { code: Number(code), sizes: [sizeOf(stdout), sizeOf(stderr)] }
          Deferred.doneUnsafe(state.ended, Effect.succeed(end))
        }
        if (answer.kind === "c" || answer.kind === "y") Deferred.doneUnsafe(state.refused, Effect.succeed(answer))
      }
      ear.other(answer)
    }
  })
  return state
})

const shortest = 200
const longest = 2000

/** The end of the command; asks for it where nothing is heard, as its word may have been damaged. */
export const theEnd = Effect.fnUntraced(function* (agent: Agent, sequence: number, state: Watch) {
  const asking = Effect.gen(function* () {
    let wait = Math.max(shortest, agent.patienceMs())
    for (;;) {
      const before = state.activity
      const doubt = yield* Effect.timeoutOption(Deferred.await(state.doubt), wait)
      wait = Math.min(longest, wait * 2)
      if (doubt._tag === "None" && state.activity !== before) continue
      const answer = yield* agent.ask(
        "Q",
        [sequence],
        ({ fields, kind }) => fields[0] === String(sequence) && "eruyc".includes(kind)
      )
      if (answer.kind === "u") return yield* Effect.fail(undefined)
    }
  })
  return yield* Effect.raceFirst(Effect.raceFirst(Deferred.await(state.ended), Deferred.await(state.refused)), asking)
})

/** Done when the command printed nothing for too long: in checked mode its files did not grow. */
export const silence = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  state: Watch,
  options: { readonly limitMs: number; readonly isText: boolean }
) {
  let grown = ""
  const sizes = Effect.gen(function* () {
    const found: Array<string> = []
    for (const stream of ["o", "e"]) {
      const answer = yield* agent.ask(
        "Z",
        [sequence, stream],
        ({ fields, kind }) => kind === "z" && fields[0] === String(sequence) && fields[1] === stream
      )
      found.push(answer.fields[2] ?? "")
    }
    return found.join(" ")
  })
  let since = yield* Clock.monotonicTimeNanos
  for (;;) {
    yield* Effect.sleep(Math.max(20, Math.min(options.limitMs / 4, 2000)))
    const now = options.isText ? String(state.activity) : yield* sizes
    const at = yield* Clock.monotonicTimeNanos
    if (now !== grown) {
      grown = now
      since = at
    } else if (Number(at - since) / 1e6 >= options.limitMs) return
  }
})

const killed = 3000

/**
 * Ends the command's process group, its session and its descendants; `true` when the command is known to have ended. What
 * is left of the group after the command's own end is killed as well.
 */
export const kill = Effect.fnUntraced(function* (agent: Agent, sequence: number, state: Watch, graceMs: number) {
  const signal = (name: string) =>
    Effect.ignore(
      agent.ask("K", [sequence, name], ({ fields, kind }) => kind === "k" && fields[0] === String(sequence))
    )
  const hasEnded = (ms: number) =>
    Effect.timeoutOption(theEnd(agent, sequence, state), ms).pipe(
      Effect.map(({ _tag }) => _tag === "Some"),
      Effect.orElseSucceed(() => false)
    )
  yield* signal("TERM")
  const endedByItself = yield* hasEnded(graceMs)
  yield* signal("KILL")
  return endedByItself || (yield* hasEnded(killed))
})
