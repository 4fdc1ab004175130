/** `toehold vast wait`: until an instance runs, or lets us in. */
import { Clock, Deferred, Effect } from "effect"
import { ClientPlatform } from "@toehold/ssh-core/ClientPlatform"
import type * as SshError from "@toehold/ssh-core/SshError"
import * as SshLogin from "@toehold/ssh-core/SshLogin"
import * as MachineError from "@toehold/machines/MachineError"
import * as VastMachine from "@toehold/machines/VastMachine"
import * as VastName from "@toehold/machines/VastName"
import type { SshAddress } from "@toehold/vast-api/Instance"
import * as InstanceWait from "@toehold/vast-api/InstanceWait"
import { VastClient } from "@toehold/vast-api/VastClient"
import * as ExitCode from "../../../ExitCode.ts"
import type { Failure } from "../../../FailureDocument.ts"
import { StandardStreams } from "../../../StandardStreams.ts"
import type { Handler, Invocation } from "../../commandSpec.ts"
import { loginOptions, targetFlags } from "../../machine.ts"
import { note, plain, print, printJson } from "../../print.ts"
import { addressText, statusOf } from "../../vast/instanceDocument.ts"
import { readInstance, vast } from "../../vast/read.ts"

/** One look must not use up the time for the others. */
const connectTimeout = 10_000

/** A key that was attached lets nobody in before this, in practice 60 to 120 s. */
const injectionMillis = 180_000

/** What stops the waiting early, and the probe that finds it out. */
const makeProbe = Effect.fnUntraced(function* (invocation: Invocation, id: number) {
  const platform = yield* ClientPlatform
  const login = yield* loginOptions(invocation)
  const flags = targetFlags(invocation)
  const hopeless = yield* Deferred.make<never, Failure>()
  let last = ""
  let rejectedSince: number | undefined

  const fail = (route: VastMachine.Route, error: SshError.SshError) =>
    MachineError.make(
      new MachineError.RoutesFailed({
        machine: VastName.nameOf(id),
        attempts: [VastMachine.attemptOf(route, error)]
      })
    )

  const judge = Effect.fnUntraced(function* (route: VastMachine.Route, error: SshError.SshError) {
    if (error.reason._tag !== last) yield* note(plain(`instance ${id}, ${route.address.kind}: ${error.message}`))
    last = error.reason._tag
    if (VastMachine.isOwnFault(error)) return yield* Deferred.fail(hopeless, error)
    if (VastMachine.isAlarm(error)) return yield* Deferred.fail(hopeless, fail(route, error))
    if (error.reason._tag !== "AuthRejected") return false
    const now = yield* Clock.currentTimeMillis
    rejectedSince ??= now
    return now - rejectedSince > injectionMillis ? yield* Deferred.fail(hopeless, fail(route, error)) : false
  })

  const probe = Effect.fnUntraced(function* (address: SshAddress) {
    const made = VastMachine.route(id, address, flags, { platform })
    if (made._tag === "Failure") return yield* Effect.as(Deferred.fail(hopeless, made.failure), false)
    const options = { ...login, connectTimeout: login.connectTimeout ?? connectTimeout }
    const route = yield* VastMachine.withUsualKeys(made.success, flags)
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
    const { hopeless, probe } = yield* makeProbe(invocation, id)
    const client = yield* vast
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
