/** SHA-256 of files at an end: by its own programs where it has one, else by reading them. */
import { Effect, Stream } from "effect"
import * as Crypto from "node:crypto"
import type { Endpoint } from "../Endpoint.ts"
import type * as TransferError from "../TransferError.ts"
import { ofPlatform, ofProgram, where, type Where } from "./failure.ts"
import { collect, run } from "./program.ts"
import type { Tools } from "./toolSet.ts"

/** Which end it is. */
export interface Side {
  readonly endpoint: Endpoint
  readonly end: Where["end"]
}

/** One end with what it can do. */
export interface End extends Side {
  /** None where only files by themselves are at hand. */
  readonly tools: Tools
  /** The words that print the SHA-256 of their input or of the files after them, found out when they are needed. */
  readonly sum: Effect.Effect<string | undefined>
  /** What could not be removed when it was of no more use, because the connection was gone. */
  readonly litter: Set<string>
}

export const at = ({ end, endpoint }: Side, path: string): Where => where(end, endpoint, path)

type Sums<A> = Effect.Effect<A, TransferError.TransferError>

const maxOutput = 64 * 1024 * 1024

/** In hexadecimal, of the first bytes of a file; of the whole file without a length. */
export const sumOf = (end: End, path: string, length?: number): Sums<string> =>
  Effect.flatMap(end.sum, (program) =>
    program === undefined ? readBack(end, path, length) : byProgram(program, end, path, length)
  )

const byProgram = (program: string, end: End, path: string, length: number | undefined): Sums<string> =>
  run(
    end.endpoint,
    {
      // Without a pipeline the shell tells of a file that can't be read.
      text: length === undefined ? `exec ${program} <"$1"` : `[ -r "$1" ] || exit 1; head -c "$2" <"$1" | ${program}`,
      args: [path, ...(length === undefined ? [] : [String(length)])]
    },
    { consumer: collect(4096) }
  ).pipe(
    Effect.mapError((error) => ofPlatform(error, at(end, path))),
    Effect.flatMap((ended) => {
      const sum = /^\\?([0-9a-f]{64})(?:\s|$)/.exec(ended.value.toString("latin1"))?.[1]
      return ended.exitCode === 0 && sum !== undefined
        ? Effect.succeed(sum)
        : Effect.fail(ofProgram("the checksum program", ended, at(end, path)))
    })
  )

const readBack = (end: End, path: string, length: number | undefined): Sums<string> =>
  Effect.suspend(() => {
    const hash = Crypto.createHash("sha256")
    const bytes = end.endpoint.files.stream(path, length === undefined ? {} : { bytesToRead: length })
    return Stream.runForEach(bytes, (piece) => Effect.sync(() => void hash.update(piece))).pipe(
      Effect.mapError((error) => ofPlatform(error, at(end, path))),
      Effect.map(() => hash.digest("hex"))
    )
  })

/** Names that one line of a checksum program's output can't hold as they are. */
const isPlain = (path: string): boolean => !/[\n\r\\]/.test(path)

const line = /^([0-9a-f]{64}) [ *]?(.+)$/

/** Of many files by their full paths. What can't be read has no sum. */
export const sumsOf = Effect.fnUntraced(function* (
  end: End,
  paths: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyMap<string, string>, TransferError.TransferError> {
  const sums = new Map<string, string>()
  const sum = yield* end.sum
  const plain = sum === undefined ? [] : paths.filter(isPlain)
  if (plain.length > 1) {
    const input = Stream.succeed(new TextEncoder().encode(plain.map((path) => `${path}\0`).join("")))
    const ended = yield* run(
      end.endpoint,
      { text: `exec xargs -0 ${sum}`, args: [] },
      { input, consumer: collect(maxOutput) }
    ).pipe(Effect.mapError((error) => ofPlatform(error, at(end, plain[0] ?? ""))))
    for (const text of ended.value.toString("utf8").split("\n")) {
      const [, hash = "", path = ""] = line.exec(text) ?? []
      if (path !== "") sums.set(path, hash)
    }
  }
  const rest = paths.filter((path) => !sums.has(path))
  yield* Effect.forEach(
    rest,
    (path) =>
      sumOf(end, path).pipe(
        Effect.map((hash) => void sums.set(path, hash)),
        Effect.catchIf(
          (error) => error.reason._tag !== "ConnectionLost",
          () => Effect.void
        )
      ),
    { concurrency: 4 }
  )
  return sums
})
