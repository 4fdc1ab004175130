/** What happens to an instance in time, in the order and with the words of the service. */
import { Effect, Fiber, type Scope } from "effect"
import type { LabError } from "../../LabError.ts"
import { withRealClock } from "../realClock.ts"
import { now } from "./clock.ts"
import type { InstanceRecord } from "./instanceRecord.ts"

/**
 * How long things take, in milliseconds: until a new instance has a status, while it loads, from running until its ports
 * answer, from then or from its attachment until a key lets in, from a result's URL until the result is there.
 *
 * @since 0.1.0
 * @category models
 */
export interface Delays {
  readonly status: number
  readonly load: number
  readonly ssh: number
  readonly keys: number
  readonly results: number
}

export interface LifeCycle {
  /** Brings the instance from nothing, or from stopped, to what its fate is. */
  readonly boot: (record: InstanceRecord) => Effect.Effect<void>
  readonly stop: (record: InstanceRecord) => Effect.Effect<void>
  readonly reboot: (record: InstanceRecord) => Effect.Effect<void>
  readonly recycle: (record: InstanceRecord) => Effect.Effect<void>
  /** A key of its list was added or removed. */
  readonly keysChanged: (record: InstanceRecord) => Effect.Effect<void>
  readonly end: (record: InstanceRecord) => Effect.Effect<void>
  /** Waits until nothing more happens by itself. */
  readonly settled: (record: InstanceRecord) => Effect.Effect<void, LabError>
}

const badImage = "Error response from daemon: manifest for vastai/test:nope not found: manifest unknown"
const badContainer = "Error: OCI runtime create failed: nvidia-container-cli: device error: unknown device"

const setState = (record: InstanceRecord, state: string): void => {
  record.intendedStatus = state
  record.curState = state
  record.nextState = state
}

const runningMessage = ({ image, runtype }: InstanceRecord): string =>
  `success, running ${image.replace(":", "_")}/${runtype.includes("jupyter") ? "jupyter" : "ssh"}\n`

export const make = (delays: () => Delays): Effect.Effect<LifeCycle, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    /** What is under way for an instance; a new order ends the one before. */
    const courses = new Map<number, Fiber.Fiber<void, LabError>>()
    /** When its ports began to answer. */
    const openSince = new Map<number, number>()
    /** When each key lets in, by instance and text. */
    const admitted = new Map<number, Map<string, number>>()

    const begin = (record: InstanceRecord, course: Effect.Effect<void, LabError>): Effect.Effect<void> =>
      Effect.gen(function* () {
        const before = courses.get(record.id)
        if (before !== undefined) yield* Fiber.interrupt(before)
        courses.set(record.id, yield* Effect.forkIn(withRealClock(course), scope, { startImmediately: true }))
      })

    /** Lets in who may come in by now, and again when the next one may. */
    const admitInTime = (record: InstanceRecord): Effect.Effect<void, LabError> =>
      Effect.gen(function* () {
        while (true) {
          const opened = openSince.get(record.id)
          if (opened === undefined) return
          const times = admitted.get(record.id) ?? new Map<string, number>()
          admitted.set(record.id, times)
          const time = yield* now
          const texts = new Set(record.keys.map(({ publicKey }) => publicKey))
          for (const publicKey of times.keys()) if (!texts.has(publicKey)) times.delete(publicKey)
          for (const { publicKey } of record.keys) {
            if (!times.has(publicKey)) times.set(publicKey, Math.max(time, opened) + delays().keys)
          }
          const due = record.keys.map(({ publicKey }) => [publicKey, times.get(publicKey) ?? time] as const)
          yield* record.machine.admit(due.flatMap(([publicKey, at]) => (at <= time ? [publicKey] : [])))
          const next = Math.min(...due.flatMap(([, at]) => (at > time ? [at] : [])))
          if (next === Infinity) return
          yield* Effect.sleep(next - time)
        }
      })

    const open = (record: InstanceRecord): Effect.Effect<void, LabError> =>
      Effect.gen(function* () {
        yield* record.machine.start
        record.actualStatus = "running"
        record.statusMsg = runningMessage(record)
        record.runningSince = yield* now
        yield* Effect.sleep(delays().ssh)
        yield* record.machine.openDoors
        openSince.set(record.id, yield* now)
        yield* admitInTime(record)
      })

    const close = (record: InstanceRecord): Effect.Effect<void, LabError> =>
      Effect.suspend(() => {
        openSince.delete(record.id)
        admitted.delete(record.id)
        record.runningSince = undefined
        return record.machine.stop
      })

    const load = (record: InstanceRecord): Effect.Effect<void, LabError> =>
      Effect.gen(function* () {
        switch (record.fate) {
          case "no-gpu":
            record.actualStatus = "exited"
            record.curState = "stopped"
            return
          case "offline":
            record.actualStatus = "offline"
            return
          case "container-error":
            record.actualStatus = "created"
            record.statusMsg = badContainer
            return
          case "loads":
          case "bad-image":
          case "runs":
        }
        record.actualStatus = "loading"
        record.statusMsg = "f1555660aa88: Download complete"
        yield* Effect.sleep(delays().load)
        if (record.fate === "loads") return
        if (record.fate === "bad-image") {
          record.statusMsg = badImage
          setState(record, "stopped")
          return
        }
        yield* open(record)
      })

    const boot = (record: InstanceRecord): Effect.Effect<void> => {
      setState(record, "running")
      return begin(
        record,
        Effect.gen(function* () {
          if (record.actualStatus === null) yield* Effect.sleep(delays().status)
          yield* load(record)
        })
      )
    }

    const again = (record: InstanceRecord, between: Effect.Effect<void, LabError>): Effect.Effect<void> =>
      begin(
        record,
        Effect.gen(function* () {
          setState(record, "running")
          record.actualStatus = "rebooting"
          yield* close(record)
          yield* between
          yield* load(record)
        })
      )

    return {
      boot,
      stop: (record) =>
        begin(
          record,
          Effect.gen(function* () {
            setState(record, "stopped")
            yield* close(record)
            record.actualStatus = "exited"
          })
        ),
      reboot: (record) => again(record, Effect.void),
      recycle: (record) =>
        again(
          record,
          Effect.andThen(
            record.machine.renew,
            Effect.map(now, (time) => {
              // Apart from the one before by a second at least, as they are in life.
              record.startDate = Math.max(time / 1000, record.startDate + 1)
            })
          )
        ),
      keysChanged: (record) => (openSince.has(record.id) ? begin(record, admitInTime(record)) : Effect.void),
      end: (record) =>
        Effect.gen(function* () {
          const course = courses.get(record.id)
          courses.delete(record.id)
          openSince.delete(record.id)
          admitted.delete(record.id)
          if (course !== undefined) yield* Fiber.interrupt(course)
          yield* record.machine.remove
        }),
      settled: (record) =>
        Effect.suspend(() => {
          const course = courses.get(record.id)
          return course === undefined ? Effect.void : Effect.asVoid(Fiber.join(course))
        })
    }
  })
