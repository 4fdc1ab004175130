/** `toehold forward`: ports and sockets that lead through a machine, open until the command is interrupted. */
import { Effect, Result } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import * as PortForward from "@toehold/ssh-core/PortForward"
import * as SshForward from "@toehold/ssh-core/SshForward"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as SshTarget from "@toehold/ssh-core/SshTarget"
import { StandardStreams } from "../../StandardStreams.ts"
import type { Handler, Invocation } from "../commandSpec.ts"
import { loginOptions } from "../machine.ts"
import { note, plain, print, printJson } from "../print.ts"
import { readWay } from "../way.ts"

export const forward: Handler = (invocation) =>
  Effect.gen(function* () {
    const platform = yield* ClientPlatform
    const asked = yield* Effect.fromResult(readForwards(invocation))
    const login = yield* loginOptions(invocation)
    const { connect, target: named } = yield* readWay(invocation, invocation.argument(0), login)
    const target = yield* Effect.fromResult(SshTarget.withOptions(named, { forwards: asked }, { platform }))
    const { forwards, originalHost } = (yield* SshLogin.resolve(target, login)).target
    if (forwards.length === 0) {
      return yield* invocation.usage(
        "There is nothing to forward.",
        "Name it with -L PORT:HOST:HOSTPORT, -R PORT:HOST:HOSTPORT or -D PORT."
      )
    }
    const streams = yield* StandardStreams
    let last = ""
    const kept = yield* SshForward.keep({
      connect,
      forwards,
      onEvent: (event) => {
        const text = describeEvent(event)
        // A client that tries again and again needs no line each time.
        if (text === last) return Effect.void
        last = text
        return note(text).pipe(Effect.provideService(StandardStreams, streams))
      }
    })
    yield* Effect.forEach(kept.listening, (listening) =>
      invocation.has("json") ? printJson(documentOf(listening)) : print(`${describe(listening, originalHost)}\n`)
    )
    return yield* kept.ended
  }).pipe(Effect.scoped)

const readForwards = (invocation: Invocation) =>
  Result.map(
    Result.all(
      PortForward.Kind.literals.map((kind) =>
        Result.all(invocation.all(kind).map((spec) => PortForward.parse(kind, spec)))
      )
    ),
    (kinds) => kinds.flat()
  )

/** Where it leads to; `null` for a SOCKS proxy, whose clients say so. */
const destination = ({ connect }: PortForward.PortForward): string | null =>
  connect === undefined ? null : PortForward.formatEndpoint(connect)

const documentOf = ({ forward, listen }: SshForward.Listening) => ({
  ready: true,
  kind: forward.kind,
  listen,
  to: destination(forward)
})

const describe = ({ forward, listen }: SshForward.Listening, machine: string): string => {
  const to = destination(forward)
  const [listens, leads] = forward.kind === "remote" ? [`on ${machine}`, "here"] : ["here", `on ${machine}`]
  const role =
    to === null ? `is a SOCKS proxy that connects from ${leads.replace(/^on /, "")}` : `leads to ${to} ${leads}`
  return plain(`${listen} ${listens} ${role}`)
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

const describeEvent = (event: SshForward.ForwardEvent): string => {
  switch (event._tag) {
    case "ConnectionFailed":
      return plain(`a connection${event.to === "" ? "" : ` to ${event.to}`} was closed: ${event.error.message}`)
    case "Disconnected":
      return plain(`the connection to the machine was lost (${event.detail}); connecting again.`)
    case "ReconnectFailed":
      return plain(`${event.error.message} Trying again in ${seconds(event.retryInMs)}.`)
    case "Reconnected":
      return "connected again."
    case "ListenFailed":
      return plain(`${event.error.message} Trying again in ${seconds(event.retryInMs)}.`)
    case "ListeningAgain":
      return plain(`listening on ${event.listen} on the machine again.`)
  }
}
