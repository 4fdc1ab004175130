/** `toehold exec`: one command on one machine or on many, its output as it comes or as documents. */
import { Clock, Effect } from "effect"
import * as ExitCode from "../../ExitCode.ts"
import type * as FailureDocument from "../../FailureDocument.ts"
import { StandardStreams } from "../../StandardStreams.ts"
import type { Handler, Invocation, Services } from "../commandSpec.ts"
import { answer, events, follow } from "../exec/following.ts"
import { execMany } from "../exec/many.ts"
import { readRequest, type Request } from "../exec/request.ts"
import { HeartbeatInterval } from "../heartbeat.ts"
import { note, plain, printJson } from "../print.ts"

export const exec: Handler = (invocation) =>
  Effect.gen(function* () {
    if (invocation.has("json") && invocation.has("ndjson")) {
      return yield* invocation.usage("--json and --ndjson are two ways to print the same: give one.")
    }
    const concurrency = yield* readParallel(invocation)
    const request = yield* readRequest(invocation)
    const [name] = request.names
    return yield* name !== undefined && request.names.length === 1
      ? execOne(invocation, request, name)
      : execMany(invocation, request, { concurrency, failFast: invocation.has("fail-fast") })
  }).pipe(Effect.scoped)

const readParallel = (invocation: Invocation) => {
  const text = invocation.one("parallel")
  if (text === undefined) return Effect.undefined
  return /^[1-9][0-9]{0,4}$/.test(text)
    ? Effect.succeed(Number(text))
    : Effect.fail(invocation.usage(`--parallel ${text}: write a number from 1 to 99999.`))
}

const execOne = (invocation: Invocation, request: Request, name: string) =>
  invocation.has("json")
    ? Effect.flatMap(answer(request, name), ({ document, exitCode }) => Effect.as(printJson(document), exitCode))
    : invocation.has("ndjson")
      ? printEvents(request, name)
      : passOn(request, name)

const passOn = Effect.fnUntraced(function* (
  request: Request,
  name: string
): Effect.fn.Return<number, FailureDocument.Failure, Services> {
  const { stderr, stdout } = yield* StandardStreams
  const gaps: Array<string> = []
  const status = yield* follow(request, name, {
    piece: (stream, { bytes }) => (stream === "stdout" ? stdout(bytes) : stderr(bytes)),
    gap: (stream, { bytes, offset }) =>
      Effect.sync(() => void gaps.push(`${bytes} bytes of ${stream} from offset ${offset} on were left out.`))
  })
  yield* Effect.forEach(gaps, note)
  const { prompt } = status
  if (prompt !== undefined) {
    yield* note(`the command failed for want of an answer: ${plain(prompt.text)}\n${prompt.fix}`)
  }
  return ExitCode.ofStatus(status)
})

/** One event a line, with a sign of life while nothing else happens. */
const printEvents = Effect.fnUntraced(function* (
  request: Request,
  name: string
): Effect.fn.Return<number, FailureDocument.Failure, Services> {
  const begin = yield* Clock.currentTimeMillis
  const seen = { stdout: 0, stderr: 0 }
  const heartbeat = Effect.gen(function* () {
    for (;;) {
      yield* Effect.sleep(yield* HeartbeatInterval)
      const elapsedMs = Math.max(0, (yield* Clock.currentTimeMillis) - begin)
      yield* printJson({ event: "heartbeat", elapsedMs, stdoutBytes: seen.stdout, stderrBytes: seen.stderr })
    }
  })
  return yield* Effect.raceFirst(events(request, name, seen, printJson), heartbeat)
})
