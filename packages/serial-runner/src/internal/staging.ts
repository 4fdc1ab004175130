/** Bringing bytes over to the machine, into a file of the program's folder, with a checksum. */
import { Effect } from "effect"
import type * as SerialError from "../SerialError.ts"
import type { Agent } from "./agent.ts"
import * as AgentScript from "./agentScript.ts"
import type { Answer } from "./answers.ts"
import { isSumOf } from "./cksum.ts"
import * as Push from "./push.ts"

/** Most bytes of one piece that is sent as it is, and the fewest, where a bad line lets no more through whole. */
const rawPiece = { most: 256 * 1024, least: 2048 } as const
/** Below this the switching of the terminal costs more than letters that need none. */
const rawFrom = 2048
const letters = 3000
const tries = 8

type Failure = SerialError.SerialError | undefined

/** The file that {@link stage} leaves. */
export const path = (agent: Agent, sequence: number): string => `${agent.machine.folder}/${sequence}.s`

const isFor =
  (kinds: string, sequence: number, index?: number) =>
  ({ fields, kind }: Answer): boolean =>
    kinds.includes(kind) && fields[0] === String(sequence) && (index === undefined || fields[1] === String(index))

/** Parts in letters that a terminal takes, never cut in the middle of an escape. */
const spelled = (bytes: Uint8Array): ReadonlyArray<string> => {
  const text = AgentScript.percentBytes(bytes)
  const parts: Array<string> = []
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + letters)
    const escape = text.lastIndexOf("\\", end - 1)
    if (end < text.length && escape >= at && end - escape < 5) end = escape
    parts.push(text.slice(at, end))
    at = end
  }
  return parts
}

const sendSpelled = Effect.fnUntraced(function* (agent: Agent, sequence: number, bytes: Uint8Array) {
  const parts = spelled(bytes)
  for (const [index, part] of parts.entries()) {
    yield* agent.ask("S", [sequence, index, part], isFor("s", sequence, index))
  }
  return parts.length
})

const sendPieces = Effect.fnUntraced(function* (agent: Agent, sequence: number, bytes: Uint8Array) {
  let index = 0
  let size = Math.min(rawPiece.most, bytes.length)
  for (let at = 0, failures = 0; at < bytes.length;) {
    const piece = bytes.subarray(at, at + size)
    if (yield* Push.push(agent, `${sequence}.s.${index}`, piece)) {
      at += piece.length
      index += 1
    } else if (size === rawPiece.least && (failures += 1) === tries) return yield* Effect.fail(undefined)
    else size = Math.max(rawPiece.least, size >> 2)
  }
  return index
})

/**
 * Brings bytes into the file {@link path} of a number, whole. Fails with `undefined` where they can't be brought over.
 */
export const stage = Effect.fnUntraced(function* (
  agent: Agent,
  sequence: number,
  bytes: Uint8Array
): Effect.fn.Return<void, Failure> {
  const isRaw = agent.machine.takesRaw && bytes.length >= rawFrom
  // One that comes whole at once need not be joined.
  if (isRaw && bytes.length <= rawPiece.most && (yield* Push.push(agent, `${sequence}.s`, bytes))) return
  for (let tried = 0; tried < tries; tried++) {
    const parts = yield* (isRaw ? sendPieces : sendSpelled)(agent, sequence, bytes)
    const joined = yield* agent.ask("J", [sequence, parts], isFor("j", sequence))
    if (isSumOf(joined.fields[1] ?? "", [bytes])) return
  }
  return yield* Effect.fail(undefined)
})
