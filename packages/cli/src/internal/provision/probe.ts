/** What a port answers, from here or from the jump host that the way leads through. */
import { Effect } from "effect"
import type { PortReport, ProvisionAccess } from "@toehold/bootstrap-service/ProvisionAccess"
import * as ProvisionError from "@toehold/bootstrap-service/ProvisionError"
import * as VastMachine from "@toehold/machines/VastMachine"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type { SshClient } from "@toehold/ssh-core/SshClient"
import type * as SshError from "@toehold/ssh-core/SshError"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import type { SshAddress } from "@toehold/vast-api/Instance"
import * as Net from "node:net"
import type { Duplex } from "node:stream"
import type { Invocation } from "../commandSpec.ts"
import { loginOptions, targetFlags } from "../machine.ts"

const connectMs = 5000
/** RFC 4253, section 4.2: lines may come before it, and a server of ours has none. */
const maxGreeting = 4096

const unreachable = new Set(["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENOTFOUND", "EAI_AGAIN", "EADDRNOTAVAIL"])

type End = (state: PortReport["state"], detail: string) => void

/** Tells what comes first: the greeting of an SSH server, something else, or the end. */
const listen = (stream: Duplex, end: End): void => {
  let greeting = ""
  stream.on("data", (chunk: Buffer) => {
    greeting += chunk.toString("latin1")
    if (/^SSH-/m.test(greeting)) end("open", "")
    else if (greeting.length > maxGreeting) end("closed", "it is no SSH server")
  })
  stream.once("close", () => end("closed", "it hangs up without a greeting"))
}

/** Connects, waits for the greeting of an SSH server, and hangs up. */
export const probePort = (address: { readonly host: string; readonly port: number }): Effect.Effect<PortReport> =>
  Effect.callback<PortReport>((resume) => {
    let isConnected = false
    const socket = Net.connect({ host: address.host, port: address.port, autoSelectFamily: true })
    const end: End = (state, detail) => {
      resume(Effect.succeed({ state, detail }))
      socket.destroy()
    }
    socket.setTimeout(connectMs, () =>
      isConnected ? end("closed", "it says nothing") : end("filtered", `no answer within ${connectMs / 1000} s`)
    )
    socket.once("connect", () => {
      isConnected = true
    })
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.message
      if (code === "ECONNREFUSED") end("refused", "")
      else if (code === "ETIMEDOUT") end("filtered", "")
      else if (unreachable.has(code)) end("unreachable", code)
      else end("closed", code)
    })
    listen(socket, end)
    return Effect.sync(() => socket.destroy())
  })

/** A server's own words for why it could not connect (RFC 4254, section 5.1, leaves them to it). */
const stateOf = (detail: string): PortReport["state"] => {
  if (/refused/i.test(detail)) return "refused"
  return /tim(?:e|ed) ?out/i.test(detail) ? "filtered" : "unreachable"
}

const jumpFailed = (error: SshError.SshError): ProvisionError.ProvisionError => {
  const { fix, isRetryable, message, reason } = error
  return ProvisionError.make(
    new ProvisionError.JumpFailed({ kind: reason._tag, detail: message, hint: fix, isRetryable, cause: error })
  )
}

/** The same from a jump host. */
const probeThrough = (
  jump: SshClient["Service"],
  { host, port }: SshAddress
): Effect.Effect<PortReport, ProvisionError.ProvisionError> =>
  jump.dial({ host, port }).pipe(
    Effect.flatMap((stream) =>
      Effect.callback<PortReport>((resume) => {
        stream.on("error", () => {})
        listen(stream, (state, detail) => resume(Effect.succeed({ state, detail })))
      })
    ),
    Effect.timeoutOrElse({
      duration: connectMs,
      orElse: () => Effect.succeed<PortReport>({ state: "filtered", detail: `no answer within ${connectMs / 1000} s` })
    }),
    Effect.scoped,
    Effect.catchTag("SshError", (error): Effect.Effect<PortReport, ProvisionError.ProvisionError> => {
      const { reason } = error
      if (reason._tag !== "ChannelRefused") return Effect.fail(jumpFailed(error))
      return Effect.succeed({ state: stateOf(reason.detail), detail: `from the jump host: ${reason.detail}` })
    })
  )

/** The look at an address of the instance, as the flags say how to get there. Jump hosts are logged in to once. */
export const makeProbe = Effect.fnUntraced(function* (invocation: Invocation, id: number) {
  const platform = yield* ClientPlatform
  const login = yield* loginOptions(invocation)
  const flags = targetFlags(invocation)
  const context = yield* Effect.context<Effect.Services<ReturnType<typeof SshLogin.connectToJump>>>()
  const jumps = new Map<string, Effect.Effect<SshClient["Service"] | undefined, SshError.SshError>>()
  const jumpTo = Effect.fnUntraced(function* ({ host, ...address }: SshAddress) {
    const known = jumps.get(host)
    if (known !== undefined) return yield* known
    const made = yield* Effect.cached(
      Effect.fromResult(VastMachine.route(id, { ...address, host }, flags, { platform })).pipe(
        Effect.flatMap(({ target }) => SshLogin.connectToJump(target, login)),
        Effect.provideContext(context)
      )
    )
    jumps.set(host, made)
    return yield* made
  })
  const probe: ProvisionAccess["Service"]["probe"] = (address) =>
    Effect.flatMap(Effect.mapError(jumpTo(address), jumpFailed), (jump) =>
      jump === undefined ? probePort(address) : probeThrough(jump, address)
    )
  return probe
})
