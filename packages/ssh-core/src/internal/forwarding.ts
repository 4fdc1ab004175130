/** What goes through a machine: streams to what it can reach, and from what reaches it (RFC 4254, section 7). */
import { Effect, FiberSet, type Scope, Semaphore } from "effect"
import { Duplex } from "node:stream"
import type * as Ssh2 from "ssh2"
import * as SshError from "../SshError.ts"
import * as Channel from "./channel.ts"
import { address } from "./reason/outcome.ts"
import type { Connection } from "./sessions.ts"
import { type Address, format, type Incoming } from "./streamEnd.ts"

export interface Hop extends Connection {
  readonly host: string
}

export interface Forwarding {
  readonly dial: (to: Address) => Effect.Effect<Duplex, SshError.SshError, Scope.Scope>
  readonly listen: <R>(
    at: Address,
    onConnection: (connection: Incoming) => Effect.Effect<void, never, R>
  ) => Effect.Effect<Address, SshError.SshError, Scope.Scope | R>
}

type Handler = (origin: string, accept: () => Ssh2.Channel, reject: () => void) => void

/** What the reason codes of SSH_MSG_CHANNEL_OPEN_FAILURE mean, RFC 4254 section 5.1. */
const failures: Readonly<Record<number, string>> = {
  1: "does not allow a connection to",
  2: "could not reach",
  3: "knows no way to",
  4: "has no room for a connection to"
}
const resourceShortage = 4

/** How long the end of a listener waits for the server to have closed it. */
const longestCancel = "5 seconds"

export const make = (hop: Hop): Forwarding => {
  const { client } = hop
  const live = new Set<Ssh2.Channel>()
  const handlers = new Map<string, Handler>()
  /** What the server goes on listening on though it was told to stop; dropbear stops for nobody. */
  const leftListening = new Set<string>()
  const words = watchWords(client)
  /** One request at a time, so that what the server says belongs to it. */
  const asking = Semaphore.makeUnsafe(1)

  client.on("close", () => {
    // The driver ends what it loses as if the other side had ended it, and a part would pass for the whole.
    for (const channel of live) {
      // The driver's own destroy takes no error.
      if (endIsOpen(channel)) Duplex.prototype.destroy.call(channel, new Error("the connection was lost"))
    }
    live.clear()
  })
  client.on("tcp connection", (details, accept, reject) => {
    const handler = handlers.get(format({ host: details.destIP, port: details.destPort }))
    if (handler === undefined) reject()
    else handler(address(details.srcIP, details.srcPort), accept, reject)
  })
  client.on("unix connection", ({ socketPath }, accept, reject) => {
    const handler = handlers.get(socketPath)
    if (handler === undefined) reject()
    else handler("", accept, reject)
  })

  const adopt = (channel: Ssh2.Channel): Ssh2.Channel => {
    live.add(channel)
    channel.once("close", () => live.delete(channel))
    // It has no other listener until somebody uses it, and an unheard error event ends the process.
    channel.on("error", () => undefined)
    return channel
  }

  const release = (channel: Ssh2.Channel) =>
    Effect.sync(() => {
      live.delete(channel)
      channel.close()
    })

  const dial = (to: Address): Effect.Effect<Duplex, SshError.SshError, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.callback<Ssh2.Channel, SshError.SshError>((resume) => {
        let abandoned = false
        const callback: Ssh2.ClientCallback = (error, channel) => {
          if (error !== undefined) resume(Effect.fail(unreachable(hop, to, error)))
          else if (abandoned) channel.close()
          else resume(Effect.succeed(adopt(channel)))
        }
        Channel.whileConnected(
          () =>
            "path" in to
              ? client.openssh_forwardOutStreamLocal(to.path, callback)
              : client.forwardOut("127.0.0.1", 0, to.host, to.port, callback),
          (error) => resume(Effect.fail(error))
        )
        return Effect.sync(() => {
          abandoned = true
        })
      }),
      release,
      { interruptible: true }
    )

  /** Asks the server to listen, with the handler in place before the first connection can come. */
  const ask = (at: Address, handler: Handler): Effect.Effect<Address, Refused | SshError.SshError> =>
    Effect.callback((resume) => {
      if (leftListening.delete(format(at))) {
        handlers.set(format(at), handler)
        return resume(Effect.succeed(at))
      }
      let abandoned = false
      words.said = ""
      const done = (error: Error | undefined, bound: Address): void => {
        if (abandoned) {
          if (error === undefined) cancel(bound, () => undefined)
        } else if (error === undefined) {
          handlers.set(format(bound), handler)
          resume(Effect.succeed(bound))
        } else if (hop.isOpen()) resume(Effect.fail({ _tag: "Refused", words: words.said }))
        else resume(Effect.fail(Channel.lost("it ended", "did-not-run")))
      }
      Channel.whileConnected(
        () =>
          "path" in at
            ? client.openssh_forwardInStreamLocal(at.path, (error) => done(error ?? undefined, at))
            : client.forwardIn(at.host, at.port, (error, port) => done(error, { host: at.host, port })),
        (error) => resume(Effect.fail(error))
      )
      return Effect.sync(() => {
        abandoned = true
      })
    })

  const cancel = (bound: Address, then: () => void): void => {
    const answered = (error: Error | null | undefined): void => {
      if (error != null) leftListening.add(format(bound))
      then()
    }
    Channel.whileConnected(
      () =>
        "path" in bound
          ? client.openssh_unforwardInStreamLocal(bound.path, answered)
          : client.unforwardIn(bound.host, bound.port, answered),
      then
    )
  }

  const unlisten = (bound: Address): Effect.Effect<void> =>
    Effect.callback<void>((resume) => {
      handlers.delete(format(bound))
      if (hop.isOpen()) cancel(bound, () => resume(Effect.void))
      else resume(Effect.void)
    }).pipe(Effect.timeoutOption(longestCancel), Effect.asVoid)

  const request = (at: Address, handler: Handler): Effect.Effect<Address, SshError.SshError> =>
    ask(at, handler).pipe(
      Effect.catchTag("Refused", ({ words }) =>
        words !== "" || "path" in at || at.port === 0
          ? Effect.fail(refusal(at, words))
          : // The answer is a bare no: a server that listens on some other port has nothing against forwarding as such.
            ask({ host: at.host, port: 0 }, (_origin, _accept, reject) => reject()).pipe(
              Effect.flatMap(unlisten),
              Effect.matchEffect({
                onFailure: (error) =>
                  Effect.fail(error._tag === "Refused" ? refusal({ ...at, port: 0 }, error.words) : error),
                onSuccess: () => Effect.fail(taken(at))
              })
            )
      ),
      asking.withPermit
    )

  const listen = Effect.fnUntraced(function* <R>(
    at: Address,
    onConnection: (connection: Incoming) => Effect.Effect<void, never, R>
  ): Effect.fn.Return<Address, SshError.SshError, Scope.Scope | R> {
    const run = yield* FiberSet.makeRuntime<R>()
    const handler: Handler = (origin, accept, reject) => {
      let isTaken = false
      const take = Effect.callback<Ssh2.Channel, SshError.SshError>((resume) => {
        isTaken = true
        if (!hop.isOpen()) return resume(Effect.fail(Channel.lost("it ended", "did-not-run")))
        return Channel.whileConnected(
          () => resume(Effect.succeed(adopt(accept()))),
          (error) => resume(Effect.fail(error))
        )
      })
      const rejectIfLeft = Effect.sync(() => {
        if (!isTaken && hop.isOpen()) Channel.whileConnected(reject, () => undefined)
      })
      run(Effect.ensuring(onConnection({ origin, accept: Effect.acquireRelease(take, release) }), rejectIfLeft))
    }
    return yield* Effect.acquireRelease(request(at, handler), unlisten, { interruptible: true })
  })

  return { dial, listen }
}

interface Refused {
  readonly _tag: "Refused"
  /** The server's own, where it gives any. */
  readonly words: string
}

const taken = (at: Address): SshError.SshError =>
  SshError.make(new SshError.PortInUse({ side: "remote", address: format(at) }))

const refusal = (at: Address, words: string): SshError.SshError => {
  if (words === "" && "path" in at) return taken(at)
  const request = "path" in at ? "streamlocal-forward" : "tcpip-forward"
  const detail = words === "" ? `it does not listen on ${"path" in at ? at.path : at.host} for this account` : words
  return SshError.make(new SshError.ChannelRefused({ request, detail, busy: false }))
}

const unreachable = (hop: Hop, to: Address, error: Error & { readonly reason?: unknown }): SshError.SshError => {
  if (!hop.isOpen()) return Channel.lost(`the connection to ${hop.host} ended`, "did-not-run")
  const place = "path" in to ? `the socket ${to.path}` : `${to.host} port ${to.port}`
  const failed = (typeof error.reason === "number" ? failures[error.reason] : undefined) ?? "opened no connection to"
  const detail = `${hop.host} ${failed} ${place}: ${Channel.serverWords(error)}`
  const request = "path" in to ? "direct-streamlocal" : "direct-tcpip"
  return SshError.make(new SshError.ChannelRefused({ request, detail, busy: error.reason === resourceShortage }))
}

/** Whether the other side has neither ended the stream nor closed the channel, as far as the driver's own books say. */
const endIsOpen = (channel: Ssh2.Channel): boolean =>
  ((channel as unknown as { readonly incoming?: { readonly state?: string } }).incoming?.state ?? "open") === "open"

type DebugHandler = (protocol: unknown, display: boolean, text: string) => void

/** OpenSSH says why it refuses to listen in SSH_MSG_DEBUG, which the driver takes no notice of. */
const watchWords = (client: Ssh2.Client): { said: string } => {
  const { _protocol: protocol } = client as unknown as {
    readonly _protocol?: { readonly _handlers?: { DEBUG?: DebugHandler } }
  }
  const words = { said: "" }
  const handlers = protocol?._handlers
  const before = handlers?.DEBUG
  if (handlers !== undefined) {
    handlers.DEBUG = (self, display, text) => {
      if (/disabled|refused|denied|prohibited|not permitted/i.test(text))
        words.said = text.slice(0, 200).replace(/\.\s*$/, "")
      before?.(self, display, text)
    }
  }
  return words
}
