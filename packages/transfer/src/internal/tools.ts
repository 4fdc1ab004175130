/** Finds out which programs an end has. */
import { Effect } from "effect"
import { at, type Side } from "./checksum.ts"
import { ofPlatform } from "./failure.ts"
import { collect, run } from "./program.ts"
import type { Tools } from "./toolSet.ts"

// What a program is called says little: the answer does.
const probe = `
has() { command -v "$1" >/dev/null 2>&1; }
[ "$(printf 'a\\0b' | xargs -0 echo 2>/dev/null)" = "a b" ] && echo xargs && has tar && echo tar
case $(tar --version 2>/dev/null) in *GNU*) echo gnu-tar;; esac
if [ "$(find / -prune -printf ok 2>/dev/null)" = ok ]; then echo find-printf
elif stat -c %s / >/dev/null 2>&1; then echo stat-c
elif stat -f %z / >/dev/null 2>&1; then echo stat-f
fi`

const sumProbe = `
for s in sha256sum 'shasum -a 256' 'openssl dgst -sha256 -r' 'sha256 -r'; do
  case $(printf '' | $s 2>/dev/null) in e3b0c44298fc1c149afbf4c8996fb924*) echo "sum $s"; break;; esac
done`

/**
 * Asks once, when it is first run. An end without a POSIX shell has nothing, and so has one whose shell can't be asked;
 * after a lost connection it is asked again.
 */
const asking = <A>(side: Side, text: string, read: (lines: ReadonlyArray<string>) => A): Effect.Effect<A> => {
  const nothing = read([])
  if (side.endpoint.isWindows === true) return Effect.succeed(nothing)
  let known: { readonly answer: A } | undefined
  const ask = run(side.endpoint, { text, args: [] }, { consumer: collect(4096) }).pipe(
    Effect.map(({ value }) => {
      known = { answer: read(value.toString("utf8").split("\n")) }
      return known.answer
    }),
    Effect.catch((error) => {
      if (ofPlatform(error, at(side, "")).reason._tag !== "ConnectionLost") known = { answer: nothing }
      return Effect.succeed(nothing)
    })
  )
  return Effect.suspend(() => (known === undefined ? ask : Effect.succeed(known.answer)))
}

/** What finds them. */
export const finder = (side: Side): Effect.Effect<Tools> =>
  asking(side, probe, (lines) => ({
    tar: lines.includes("tar"),
    isGnuTar: lines.includes("gnu-tar"),
    list: (["find-printf", "stat-c", "stat-f"] as const).find((kind) => lines.includes(kind))
  }))

/** What finds the words that print the SHA-256 of their input or of the files after them. */
export const sumFinder = (side: Side): Effect.Effect<string | undefined> =>
  asking(side, sumProbe, (lines) => lines.find((line) => line.startsWith("sum "))?.slice(4))
