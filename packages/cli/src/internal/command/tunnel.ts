/** `toehold tunnel`: a public URL for a port of a machine. */
import { Effect } from "effect"
import { FetchHttpClient } from "effect/http"
import { ChildProcessSpawner } from "effect/process"
import * as MachineFacts from "@toehold/bootstrap-service/MachineFacts"
import * as Tunnel from "@toehold/bootstrap-service/Tunnel"
import * as ExitCode from "../../ExitCode.ts"
import { StandardStreams } from "../../StandardStreams.ts"
import type { Handler } from "../commandSpec.ts"
import { openMachine } from "../machine.ts"
import { note, plain, print, printJson } from "../print.ts"
import { readPort } from "../provision/options.ts"

export const tunnel: Handler = (invocation) =>
  Effect.gen(function* () {
    const machine = invocation.argument(0)
    const port = yield* readPort(invocation, invocation.argument(1), "The port")
    const { processes } = yield* openMachine(invocation, machine)
    const streams = yield* StandardStreams
    const work = Effect.gen(function* () {
      const facts = yield* MachineFacts.gather()
      if (invocation.has("stop")) return { closed: yield* Tunnel.close(port, facts) }
      return yield* Tunnel.open(port, facts, {
        onProgress: (detail) => Effect.provideService(note(plain(detail)), StandardStreams, streams)
      })
    }).pipe(Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, processes))
    const made = yield* work
    if ("closed" in made) {
      yield* invocation.has("json")
        ? printJson({ machine, port, closed: made.closed })
        : print(`${made.closed ? "closed" : "there was none"}\n`)
      return ExitCode.done
    }
    const { origin, status, url, wasOpen } = made
    yield* invocation.has("json") ? printJson({ machine, port, url, status, wasOpen, origin }) : print(`${url}\n`)
    return ExitCode.done
  }).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))
