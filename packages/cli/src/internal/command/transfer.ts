/** `toehold put`, `get` and `sync`: files between this machine and another. */
import { Effect } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as MachinePath from "@toehold/machines/MachinePath"
import * as Endpoint from "@toehold/transfer/Endpoint"
import type { Summary } from "@toehold/transfer/Summary"
import * as Transfer from "@toehold/transfer/Transfer"
import * as ExitCode from "../../ExitCode.ts"
import type { Handler, Invocation } from "../commandSpec.ts"
import { openMachine } from "../machine.ts"
import { plain, print, printJson } from "../print.ts"
import { makeProgress, shownBytes, shownRate } from "../transferProgress.ts"

const endOf = Effect.fnUntraced(function* (invocation: Invocation, machine: string | undefined) {
  // This machine may be a Windows one, which its services don't tell.
  if (machine === undefined || machine === "local:") return yield* Endpoint.local
  // A tree takes several commands one after the other, each a round trip less with a session that is open already.
  return yield* openMachine(invocation, machine, { spareSessions: 2 })
})

const optionsOf = (invocation: Invocation) => ({
  exclude: invocation.all("exclude"),
  verify: invocation.has("verify"),
  safeLinks: invocation.has("safe-links"),
  parents: invocation.has("parents")
})

const parse = Effect.fnUntraced(function* (text: string) {
  const platform = yield* ClientPlatform
  const place = yield* Effect.fromResult(MachinePath.parse(text, { platform }))
  // No shell has seen the ~ behind the colon.
  const isHome = place.machine === "local:" && /^~(?:\/|$)/.test(place.path)
  return isHome ? { ...place, path: `${platform.homeDir}${place.path.slice(1)}` } : place
})

/** What goes before the last argument, and the last one. */
const split = (words: ReadonlyArray<string>) => ({ first: words.slice(0, -1), last: words.at(-1) ?? "" })

export const put: Handler = (invocation) =>
  Effect.gen(function* () {
    const { first, last } = split(invocation.arguments)
    const place = yield* parse(last)
    if (place.machine === undefined) {
      return yield* invocation.usage(`"${last}" names no machine: write MACHINE:PATH last.`)
    }
    const from = yield* Endpoint.local
    const to = yield* endOf(invocation, place.machine)
    return yield* finish(invocation, (onProgress) =>
      Transfer.copy({ from, sources: first, to, target: place.path, onProgress, ...optionsOf(invocation) })
    )
  }).pipe(Effect.scoped)

export const get: Handler = (invocation) =>
  Effect.gen(function* () {
    const { first, last } = split(invocation.arguments)
    const places = yield* Effect.forEach(first, parse)
    const [machine, another] = new Set(places.map((place) => place.machine))
    const unnamed = places.findIndex((place) => place.machine === undefined)
    if (unnamed !== -1) {
      return yield* invocation.usage(
        `"${first[unnamed]}" names no machine: write MACHINE:PATH, and the local path last.`
      )
    }
    if (another !== undefined) {
      return yield* invocation.usage("get fetches from one machine at a time.", "Run it once for each machine.")
    }
    const to = yield* Endpoint.local
    const from = yield* endOf(invocation, machine)
    const sources = places.map(({ path }) => path)
    return yield* finish(invocation, (onProgress) =>
      Transfer.copy({ from, sources, to, target: last, onProgress, ...optionsOf(invocation) })
    )
  }).pipe(Effect.scoped)

export const sync: Handler = (invocation) =>
  Effect.gen(function* () {
    const [source, target] = yield* Effect.all([parse(invocation.argument(0)), parse(invocation.argument(1))])
    if (source.machine === undefined && target.machine === undefined) {
      return yield* invocation.usage("Neither of the two names a machine: write one of them as MACHINE:PATH.")
    }
    const from = yield* endOf(invocation, source.machine)
    const to = yield* endOf(invocation, target.machine)
    return yield* finish(invocation, (onProgress) =>
      Transfer.sync({
        from,
        source: source.path,
        to,
        target: target.path,
        delete: invocation.has("delete"),
        dryRun: invocation.has("dry-run"),
        checksum: invocation.has("checksum"),
        onProgress,
        ...optionsOf(invocation)
      })
    )
  }).pipe(Effect.scoped)

const isSync = (invocation: Invocation): boolean => invocation.command.name === "sync"

/** Runs the transfer with its progress shown, and prints what it did. */
const finish = Effect.fnUntraced(function* <E, R>(
  invocation: Invocation,
  run: (onProgress: Transfer.Options["onProgress"]) => Effect.Effect<Summary, E, R>
) {
  const isJson = invocation.has("json")
  const progress = yield* makeProgress({ isQuiet: invocation.has("quiet"), isJson })
  const summary = yield* Effect.ensuring(run(progress.tell), progress.end)
  yield* isJson ? printJson(documentOf(invocation, summary)) : print(textOf(invocation, summary))
  return ExitCode.done
})

const documentOf = (invocation: Invocation, { changes, deleted, ...counts }: Summary) => ({
  ...counts,
  ...(isSync(invocation) ? { deleted } : {}),
  ...(isSync(invocation) && invocation.has("dry-run") ? { changes } : {})
})

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`

const textOf = (invocation: Invocation, summary: Summary): string => {
  const { bytes, changes, deleted, durationMs, files, leftOut, links, sha256, skipped } = summary
  if (isSync(invocation) && invocation.has("dry-run")) {
    return changes.map(({ action, path }) => `${action} ${plain(path)}\n`).join("")
  }
  const parts = [
    `${counted(files, "file")}, ${shownBytes(bytes)}`,
    ...(links === 0 ? [] : [counted(links, "link")]),
    ...(skipped === 0 ? [] : [`${skipped} already there`]),
    ...(deleted.length === 0 ? [] : [`${deleted.length} deleted`]),
    ...(leftOut.length === 0 ? [] : [`${leftOut.length} left out (no files, folders or wanted links)`])
  ]
  const rate = bytes === 0 || durationMs === 0 ? "" : ` (${shownRate(bytes / (durationMs / 1000))})`
  const sum = sha256 === undefined ? "" : `\nsha256 ${sha256}`
  return `${parts.join(", ")} in ${(durationMs / 1000).toFixed(1)} s${rate}${sum}\n`
}
