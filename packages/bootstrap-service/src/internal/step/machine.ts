/** The machine runs and has an address. */
import { Duration, Effect, Option, Schedule } from "effect"
import * as BootstrapError from "../../BootstrapError.ts"
import type { MachineLook, MachineStatus } from "../../MachineStatus.ts"
import { defaultOpencodePort, type SessionConfig } from "../../SessionConfig.ts"
import type { MachineReady, Report } from "../../SessionStep.ts"
import { ipv4 } from "../words.ts"

/** The address, or why there is none yet. */
const readiness = (
  { opencodePort = defaultOpencodePort, vmId, vmIp }: SessionConfig,
  look: MachineLook | undefined
): Effect.Effect<MachineReady, BootstrapError.BootstrapError> => {
  if (look === undefined) return Effect.fail(BootstrapError.make(new BootstrapError.MachineMissing({ vmId })))
  if (!look.isRunning) {
    return Effect.fail(BootstrapError.make(new BootstrapError.MachineNotRunning({ vmId, state: look.state })))
  }
  // What its owner says now is fresher than what the session was made with.
  const ip = look.ip ?? vmIp
  const agent = look.forwards?.[opencodePort]
  const detail = [ip, agent?.ip].flatMap((address) => (address === undefined ? [] : (ipv4(address) ?? [])))[0]
  if (ip === undefined || detail !== undefined) {
    return Effect.fail(
      BootstrapError.make(new BootstrapError.MachineHasNoIp({ vmId, ...(detail === undefined ? {} : { detail }) }))
    )
  }
  return Effect.succeed({ ip, ...(agent === undefined ? {} : { agent }) })
}

const mayCome = ({ reason }: BootstrapError.BootstrapError): boolean =>
  reason._tag === "MachineNotRunning" || reason._tag === "MachineHasNoIp" || reason._tag === "MachineUnknown"

export const machine = (status: MachineStatus["Service"], timeout: Duration.Input) =>
  Effect.fn("SessionSteps.machine")(function* (config: SessionConfig, report: Report) {
    const { vmId } = config
    let last: BootstrapError.BootstrapError | undefined
    const look = status.look(vmId).pipe(
      Effect.flatMap((found) => readiness(config, found)),
      Effect.tapError((error) => {
        const isNews = last?.reason._tag !== error.reason._tag
        last = error
        return isNews && mayCome(error) ? report(`Waiting: ${error.message}`) : Effect.void
      })
    )
    yield* report(`Looking whether the machine ${vmId} runs`)
    const found = yield* look.pipe(
      Effect.retry({ schedule: Schedule.spaced("500 millis"), while: mayCome }),
      Effect.timeoutOption(timeout)
    )
    if (Option.isSome(found)) {
      yield* report(`The machine runs at ${found.value.ip}`)
      return found.value
    }
    const detail = `there was no answer within ${Duration.toMillis(timeout)} ms`
    return yield* last ?? BootstrapError.make(new BootstrapError.MachineUnknown({ vmId, detail }))
  })
