/** Forwardings that outlive their connection, behind a proxy that ends it. */
import { Effect, Result } from "effect"
import * as PortForward from "@toehold/ssh-core/PortForward"
import type * as SshClient from "@toehold/ssh-core/SshClient"
import * as SshForward from "@toehold/ssh-core/SshForward"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import type { SshServer } from "@toehold/lab/SshServer"
import { connectTo } from "./failing.ts"
import { optionsFor } from "./machine.ts"

type Tag = SshForward.ForwardEvent["_tag"]

/** Forwardings through a proxy that can do to the connection what networks do, with what happens to them. */
export const keep = Effect.fnUntraced(function* (
  server: SshServer,
  forwards: ReadonlyArray<readonly [PortForward.Kind, string]>,
  options: {
    readonly faults?: Omit<FaultProxy.Options, "target">
    readonly client?: Partial<SshClient.Options>
    readonly keep?: Partial<SshForward.KeepOptions<never>>
  } = {}
) {
  const proxy = yield* FaultProxy.make({ target: server, ...options.faults })
  const events: Array<SshForward.ForwardEvent> = []
  const clients: Array<SshClient.SshClient["Service"]> = []
  const kept = yield* SshForward.keep({
    connect: connectTo({
      ...optionsFor(server, { keepalive: { interval: "100 millis", countMax: 5 }, ...options.client }),
      port: proxy.port
    }).pipe(Effect.tap((client) => Effect.sync(() => void clients.push(client)))),
    forwards: forwards.map(([kind, spec]) => Result.getOrThrow(PortForward.parse(kind, spec))),
    backoff: { least: "20 millis", most: "200 millis" },
    onEvent: (event) => Effect.sync(() => void events.push(event)),
    ...options.keep
  })
  /** Waits until there have been so many events of a kind. */
  const seen = (tag: Tag, count = 1): Effect.Effect<void> =>
    Effect.suspend(() =>
      events.filter((event) => event._tag === tag).length >= count
        ? Effect.void
        : Effect.andThen(Effect.sleep("5 millis"), seen(tag, count))
    )
  const port = (index: number): number => kept.listening[index]?.port ?? 0
  return { proxy, kept, events, clients, seen, port, tags: () => events.map(({ _tag }) => _tag) }
})
