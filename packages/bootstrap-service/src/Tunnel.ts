/**
 * A public URL for a port of a machine, by cloudflared's quick tunnels. One that is there is found, not opened again.
 *
 * @since 0.1.0
 */
import { Effect, Option, Result, Schedule } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import { HttpClient } from "effect/http"
import { askLines, one, quote, type Said } from "./internal/provision/ask.ts"
import { lastLines } from "./internal/provision/lines.ts"
import { survey } from "./internal/provision/tunnelScript.ts"
import { runWork } from "./internal/provision/work.ts"
import { cloudflared } from "./internal/recipe/cloudflared.ts"
import type { MachineFacts } from "./MachineFacts.ts"
import * as MachineService from "./MachineService.ts"
import * as ProvisionError from "./ProvisionError.ts"
import * as TunnelLog from "./TunnelLog.ts"

/**
 * A tunnel that answers. `origin` says where its URL was found.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tunnel {
  readonly url: string
  readonly port: number
  readonly origin: "service" | "metrics" | "portal" | "file"
  /** Whether it was there before. */
  readonly wasOpen: boolean
  /** The HTTP status that it answered with. */
  readonly status: number
}

type Facts = Pick<MachineFacts, "manager" | "path" | "workspace">
type Services = ChildProcessSpawner.ChildProcessSpawner | HttpClient.HttpClient

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly onProgress?: ((detail: string) => Effect.Effect<void>) | undefined
}

const nameOf = (port: number): string => `tunnel-${port}`

interface Candidate {
  readonly url: string
  readonly origin: Tunnel["origin"]
}

const found = (
  origin: Tunnel["origin"],
  texts: ReadonlyArray<string>,
  read: (text: string) => string | undefined
): ReadonlyArray<Candidate> =>
  texts.flatMap((text) => {
    const url = read(text)
    return url === undefined ? [] : [{ url, origin }]
  })

/** What tunnels to the port say of themselves. A file may be of a process that is gone, so one must be there. */
const candidatesOf = (said: Said, port: number): ReadonlyArray<Candidate> => [
  ...found("metrics", said.get("metrics") ?? [], TunnelLog.ofMetrics),
  ...found("portal", said.get("portal") ?? [], (text) => TunnelLog.ofPortal(text, port)),
  ...(said.has("process") ? found("file", said.get("file") ?? [], TunnelLog.ofFile) : [])
]

/** Cloudflare answers 530 for a tunnel that nobody holds, 502 for a service that is not there. */
const answers = (url: string): Effect.Effect<number, string, HttpClient.HttpClient> =>
  HttpClient.get(url).pipe(
    Effect.flatMap(({ status }) => (status < 500 ? Effect.succeed(status) : Effect.fail(`it answers ${status}`))),
    Effect.timeoutOrElse({ duration: "8 seconds", orElse: () => Effect.fail("it does not answer within 8 s") }),
    Effect.mapError((error) => (typeof error === "string" ? error : error.message)),
    Effect.scoped
  )

const again = Schedule.min([Schedule.exponential("60 millis", 1.3), Schedule.spaced("2 seconds")])

/** How often a URL that is not ours to mend is asked. */
const patience = Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(3)])

const firstThatAnswers = Effect.fnUntraced(function* (candidates: ReadonlyArray<Candidate>, port: number) {
  for (const { origin, url } of candidates) {
    const status = yield* Effect.option(Effect.retry(answers(url), patience))
    if (Option.isSome(status)) return { url, port, origin, wasOpen: true, status: status.value } satisfies Tunnel
  }
  return undefined
})

const command = (program: string, port: number): string =>
  `exec ${quote(program)} tunnel --no-autoupdate --url http://127.0.0.1:${port}`

/** The program's path, after installing it where there is none. */
const programOf = Effect.fnUntraced(function* (said: Said, facts: Facts, options: Options) {
  const program = one(said, "program")
  if (program !== undefined) return program
  yield* options.onProgress?.("cloudflared is not there: installing it") ?? Effect.void
  yield* runWork(
    { ...cloudflared, step: "tunnel", facts, args: [], secrets: {} },
    { onLine: () => Effect.void, onProgress: options.onProgress ?? (() => Effect.void) }
  ).pipe(
    Effect.catchIf(
      ({ reason }) => reason._tag === "ProvisioningFailed",
      ({ reason }) =>
        Effect.fail(
          ProvisionError.make(new ProvisionError.TunnelProgramMissing({ tail: "tail" in reason ? reason.tail : [] }))
        )
    )
  )
  const after = one(yield* askLines({ step: "tunnel", script: survey, args: ["0", facts.workspace] }), "program")
  return after ?? (yield* ProvisionError.make(new ProvisionError.TunnelProgramMissing({ tail: [] })))
})

/** Reads the service's log until it tells. A tunnel is asked for only when an edge holds it: names that are asked for too early stay unknown for long. */
const urlOf = Effect.fnUntraced(function* (port: number, place: MachineService.Place) {
  const name = nameOf(port)
  let looks = 0
  const look = Effect.gen(function* () {
    const { detail, output, state } = yield* MachineService.inspect(name, place, "head")
    const log = TunnelLog.read(output)
    looks++
    if (log.url !== undefined && (log.isRegistered || looks > maxLooksUnregistered)) return log.url
    if (log.rateLimited !== undefined) {
      yield* MachineService.stop(name, place)
      return yield* ProvisionError.make(new ProvisionError.TunnelRateLimited({ detail: log.rateLimited }))
    }
    if (state !== "running") {
      return yield* ProvisionError.make(
        new ProvisionError.TunnelFailed({ detail: `cloudflared ${detail}`, tail: lastLines(output, 3) })
      )
    }
    return yield* Effect.fail("waiting" as const)
  })
  return yield* Effect.retry(look, { schedule: again, while: (error) => error === "waiting" }).pipe(
    Effect.catchIf(
      (error) => error === "waiting",
      () =>
        Effect.fail(
          ProvisionError.make(new ProvisionError.TunnelFailed({ detail: "its log does not tell it", tail: [] }))
        )
    )
  )
})

/** About ten seconds, by the schedule above. */
const maxLooksUnregistered = 16

/** How long a URL of ours may take until it answers. */
const reachable = again.pipe(Schedule.upTo({ duration: "90 seconds" }))

/** The tunnel that somebody else opened, or whether one of ours had to be started. */
const start = Effect.fnUntraced(function* (
  port: number,
  said: Said,
  facts: Facts,
  options: Options,
  place: MachineService.Place
): Effect.fn.Return<Tunnel | boolean, ProvisionError.ProvisionError, Services> {
  const there = yield* firstThatAnswers(candidatesOf(said, port), port)
  if (there !== undefined) return there
  const program = yield* programOf(said, facts, options)
  const service = { name: nameOf(port), command: command(program, port) }
  return (yield* MachineService.ensure(service, place)).changed
})

/**
 * Opens a tunnel to a port of the machine, or finds the one that is there, and returns when its URL answers. Where
 * cloudflared is missing it is installed for the user. Fails with `TunnelProgramMissing`, `TunnelRateLimited`,
 * `TunnelFailed`, `JobFailed`, `ServiceFailed` or `MachineFailed`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const open = Effect.fn("Tunnel.open")(function* (
  port: number,
  facts: Facts,
  options: Options = {}
): Effect.fn.Return<Tunnel, ProvisionError.ProvisionError, Services> {
  const place: MachineService.Place = { manager: facts.manager, step: "tunnel" }
  // Neither depends on the other, and each is a round trip.
  const [own, said] = yield* Effect.all(
    [
      MachineService.status(nameOf(port), place),
      askLines({ step: "tunnel", script: survey, args: [String(port), facts.workspace] })
    ],
    { concurrency: 2 }
  )
  const changed = own.state === "running" ? false : yield* start(port, said, facts, options, place)
  if (typeof changed !== "boolean") return changed
  if (changed) yield* options.onProgress?.("cloudflared started") ?? Effect.void
  const url = yield* urlOf(port, place)
  yield* options.onProgress?.(`the URL is ${url}`) ?? Effect.void
  const status = yield* Effect.result(Effect.retry(answers(url), reachable))
  if (Result.isSuccess(status)) return { url, port, origin: "service", wasOpen: !changed, status: status.success }
  const tail = lastLines(yield* MachineService.output(nameOf(port), place), 3)
  return yield* ProvisionError.make(new ProvisionError.TunnelFailed({ url, detail: status.failure, tail }))
})

/**
 * Closes the tunnel to a port that {@link open} opened; one that somebody else opened stays.
 *
 * @since 0.1.0
 * @category running
 */
export const close = Effect.fn("Tunnel.close")(function* (
  port: number,
  facts: Pick<MachineFacts, "manager">
): Effect.fn.Return<boolean, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner> {
  const { changed } = yield* MachineService.stop(nameOf(port), { manager: facts.manager, step: "tunnel" })
  return changed
})
