/** Short scripts on the machine: what they print, and what may go wrong on the way. */
import { Duration, Effect, Redacted, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import { oneLine } from "@toehold/shell/RemoteText"
import * as BootstrapError from "../BootstrapError.ts"
import type { ConsoleReady, SessionStep } from "../SessionStep.ts"
import { ofPlatform } from "./transport.ts"

export type Spawner = ChildProcessSpawner.ChildProcessSpawner["Service"]

/**
 * A script is a constant text into which nothing is ever put: values are its arguments, and secrets its standard input.
 * It prints one fact a line, a word and the rest, and `end` last.
 */
export interface Script {
  readonly step: SessionStep
  readonly text: string
  readonly args?: ReadonlyArray<string>
  /** Whose process it is to be; whoever's logged in if absent. */
  readonly as?: ConsoleReady
  readonly stdin?: Redacted.Redacted<string>
  /** Default: one minute. */
  readonly timeout?: Duration.Input
}

/** The facts that a script printed, in their order. */
export class Facts {
  readonly lines: ReadonlyArray<readonly [name: string, value: string]>

  constructor(lines: ReadonlyArray<readonly [name: string, value: string]>) {
    this.lines = lines
  }

  /** Of lines that a machine printed, each a word and the rest. */
  static of(lines: ReadonlyArray<string>): Facts {
    return new Facts(
      lines.map((line) => {
        const blank = line.indexOf(" ")
        return blank === -1 ? [line, ""] : [line.slice(0, blank), oneLine(line.slice(blank + 1)).trim()]
      })
    )
  }

  get(name: string): string | undefined {
    return this.lines.find(([found]) => found === name)?.[1]
  }

  all(name: string): ReadonlyArray<string> {
    return this.lines.flatMap(([found, value]) => (found === name ? [value] : []))
  }
}

// setpriv makes no session, so that a signal for the group still arrives; su is what a small system has.
const become = `
u=$1
t=$2
shift 2
g=$(id -g "$u") || exit 125
if setpriv --reuid="$u" --regid="$g" --init-groups true 2>/dev/null; then
  exec setpriv --reuid="$u" --regid="$g" --init-groups sh -c "$t" sh "$@"
fi
exec su -s /bin/sh -c "$t" -- "$u" sh "$@"
`

/** Words and environment that run a script as the session's account. */
export const wordsAs = (
  who: ConsoleReady | undefined,
  text: string,
  args: ReadonlyArray<string>
): {
  readonly words: readonly [string, ...Array<string>]
  readonly env: Readonly<Record<string, string>>
} =>
  who === undefined || who.runAs === who.user
    ? { words: ["sh", "-c", text, "sh", ...args], env: {} }
    : {
        words: ["sh", "-c", become, "sh", who.runAs, text, ...args],
        env: { HOME: who.home, USER: who.runAs, LOGNAME: who.runAs }
      }

/** What any script prints in all; more is nonsense. */
const maxAnswer = 64 * 1024

/** The beginning of what a stream brings; the rest is read and dropped. */
const text = <E>(stream: Stream.Stream<Uint8Array, E>): Effect.Effect<string, E> =>
  Stream.runFold(
    Stream.decodeText(stream),
    () => "",
    (whole, part) => (whole.length < maxAnswer ? (whole + part).slice(0, maxAnswer) : whole)
  )

/** Runs a script to its end. */
export const run = (spawner: Spawner, script: Script): Effect.Effect<Facts, BootstrapError.BootstrapError> =>
  runWords(spawner, wordsAs(script.as, script.text, script.args ?? []), script)

/** The same as root, by sudo where it is somebody else who is logged in. */
export const runAsRoot = (
  spawner: Spawner,
  uid: number,
  script: Script
): Effect.Effect<Facts, BootstrapError.BootstrapError> => {
  const words = ["sh", "-c", script.text, "sh", ...(script.args ?? [])] as const
  return runWords(spawner, { words: uid === 0 ? words : ["sudo", "-n", ...words], env: {} }, script)
}

const runWords = Effect.fnUntraced(function* (
  spawner: Spawner,
  { env, words: [program, ...args] }: ReturnType<typeof wordsAs>,
  { step, stdin, timeout = "1 minute" }: Script
): Effect.fn.Return<Facts, BootstrapError.BootstrapError> {
  const command = ChildProcess.make(program, args, {
    env,
    extendEnv: true,
    stdin: stdin === undefined ? "ignore" : Stream.make(new TextEncoder().encode(Redacted.value(stdin))),
    forceKillAfter: "2 seconds"
  })
  const answer = Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* spawner.spawn(command)
      const texts = yield* Effect.all([text(handle.stdout), text(handle.stderr)], { concurrency: 2 })
      return [...texts, yield* handle.exitCode] as const
    })
  )
  const [stdout, stderr, code] = yield* answer.pipe(
    Effect.mapError((error) => BootstrapError.make(ofPlatform(step, error))),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () =>
        Effect.fail(
          BootstrapError.make(new BootstrapError.StepTimeout({ step, timeoutMs: Duration.toMillis(timeout) }))
        )
    })
  )
  const lines = stdout.split("\n")
  if (lines.at(-2) === "end") return Facts.of(lines.slice(0, -2))
  const said = oneLine(stderr.trim()).slice(-500)
  const detail = `the script of this step broke off with exit code ${code}${said === "" ? "" : `: ${said}`}`
  return yield* BootstrapError.make(new BootstrapError.BadAnswer({ step, detail }))
})
