/** `toehold vast wait`: until an instance runs, or lets us in. */
import { Clock, Deferred, Effect } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type * as SshError from "@toehold/ssh-core/SshError"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import { InstanceMemory } from "@toehold/machines/InstanceMemory"
import * as VastMachine from "@toehold/machines/VastMachine"
import { markOf, type SshAddress } from "@toehold/vast-api/Instance"
import * as InstanceWait from "@toehold/vast-api/InstanceWait"
import { VastClient } from "@toehold/vast-api/VastClient"
import * as ExitCode from "../../../ExitCode.ts"
import type { Failure } from "../../../FailureDocument.ts"
import { StandardStreams } from "../../../StandardStreams.ts"
import type { Handler, Invocation } from "../../commandSpec.ts"
import { loginOptions, targetFlags } from "../../machine.ts"
import { note, plain, print, printJson } from "../../print.ts"
import { Hopes } from "../../vast/hopes.ts"
import { addressText, statusOf } from "../../vast/instanceDocument.ts"
import { readInstance, vast } from "../../vast/read.ts"

/** One look must not use up the time for the others. */
const connectTimeout = 10_000

/** The probe that tries an address, and what stops the waiting when it has become vain. */
const makeProbe = Effect.fnUntraced(function* (invocation: Invocation, id: number, client: VastClient["Service"]) {
  const platform = yield* ClientPlatform
  const login = yield* loginOptions(invocation)
  const flags = targetFlags(invocation)
  const hopeless = yield* Deferred.make<never, Failure>()
  const hopes = new Hopes()
  const told = new Map<string, string>()

  const judge = Effect.fnUntraced(function* (route: VastMachine.Route, error: SshError.SshError) {
    const { kind } = route.address
    // Looking again and again needs no line each time.
    if (told.get(kind) !== error.reason._tag) yield* note(plain(`instance ${id}, ${kind}: ${error.message}`))
    told.set(kind, error.reason._tag)
    if (VastMachine.isOwnFault(error)) return yield* Deferred.fail(hopeless, error)
    const attempts = hopes.push(VastMachine.attemptOf(route, error), yield* Clock.currentTimeMillis)
    if (attempts === undefined) return
    const failure = yield* Effect.result(
      Effect.flatMap(client.instances.look(id), (instance) => VastMachine.routesFailed(instance, attempts))
    )
    yield* Deferred.fail(hopeless, failure._tag === "Success" ? failure.success : failure.failure)
  })

  const probe = Effect.fnUntraced(function* (address: SshAddress) {
    const made = VastMachine.route(id, address, flags, { platform })
    if (made._tag === "Failure") return yield* Effect.as(Deferred.fail(hopeless, made.failure), false)
    const route = yield* VastMachine.withUsualKeys(made.success, flags)
    const options = {
      ...login,
      connectTimeout: login.connectTimeout ?? connectTimeout,
      hostKeyPolicy: hopes.hasAlarm ? ("strict" as const) : login.hostKeyPolicy
    }
    const tried = yield* Effect.result(Effect.scoped(SshLogin.connect(route.target, options)))
    if (tried._tag === "Failure") yield* judge(route, tried.failure)
    return tried._tag === "Success"
  })

  return { probe, hopeless: Deferred.await(hopeless) }
})

export const vastWait: Handler = (invocation) =>
  Effect.gen(function* () {
    const id = yield* readInstance(invocation)
    const isSsh = invocation.one("for") !== "running"
    const timeout = yield* invocation.duration("timeout")
    const interval = yield* invocation.duration("interval")
    const client = yield* vast
    const { hopeless, probe } = yield* makeProbe(invocation, id, client)
    const streams = yield* StandardStreams
    const waiting = InstanceWait.waitUntil(id, isSsh ? InstanceWait.sshReady(probe) : InstanceWait.running, {
      ...(timeout === undefined ? {} : { timeout }),
      ...(interval === undefined ? {} : { interval }),
      onEvent: (event) => {
        if (event._tag === "Ready") return Effect.void
        const { elapsed, instance } = event
        const said = instance.status_msg === null || instance.status_msg === "" ? "" : `: ${instance.status_msg}`
        const line = `instance ${id} is ${statusOf(instance)} after ${Math.round(elapsed / 1000)} s${said}`
        return Effect.provideService(note(plain(line)), StandardStreams, streams)
      }
    }).pipe(Effect.provideService(VastClient, client))
    const { address, elapsed, instance } = yield* Effect.raceFirst(waiting, hopeless)
    if (isSsh) yield* (yield* InstanceMemory).keep(id, markOf(instance))
    const goal = isSsh ? "ssh-ready" : "running"
    yield* invocation.has("json")
      ? printJson({
          instance: id,
          goal,
          status: instance.actual_status,
          address: address ?? null,
          elapsedMs: Math.round(elapsed)
        })
      : print(
          address === undefined
            ? `Instance ${id} is running.\n`
            : `Instance ${id} lets you in at ${addressText(address)} (${address.kind}): toehold exec vast:${id} -- CMD\n`
        )
    return ExitCode.done
  })
