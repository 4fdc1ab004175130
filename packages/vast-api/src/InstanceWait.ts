/**
 * Waiting until an instance is of use.
 *
 * @since 0.1.0
 */
import { Clock, Duration, Effect, Latch, Option, Stream } from "effect"
import { type Instance, type SshAddress, sshAddresses } from "./Instance.ts"
import * as InstanceState from "./internal/instanceState.ts"
import { VastClient } from "./VastClient.ts"
import * as VastError from "./VastError.ts"

/**
 * What to wait for: that the container runs, or that its SSH server answers. Whether an address answers is for the caller
 * to find out, by whatever transport it uses: the probe is asked at each look, direct address first, until it says yes.
 *
 * @since 0.1.0
 * @category models
 */
export type Goal<R = never> =
  | { readonly _tag: "running" }
  | { readonly _tag: "ssh-ready"; readonly probe: (address: SshAddress) => Effect.Effect<boolean, never, R> }

/**
 * The goal that the container runs. Its SSH server may take another minute or two.
 *
 * @since 0.1.0
 * @category constructors
 */
export const running: Goal = { _tag: "running" }

/**
 * The goal that one of the instance's addresses answers.
 *
 * @since 0.1.0
 * @category constructors
 */
export const sshReady = <R>(probe: (address: SshAddress) => Effect.Effect<boolean, never, R>): Goal<R> => ({
  _tag: "ssh-ready",
  probe
})

/**
 * Why an instance will not run, as far as one look tells: its container fails, the service gave it up while it loaded, or
 * it is stopped. `undefined` for one that runs, and for one that may come up yet.
 *
 * @since 0.1.0
 * @category accessors
 */
export const failureNow = (instance: Instance): VastError.InstanceFailed | undefined =>
  InstanceState.failureOf(instance, 0, { settle: 1, stuckAfter: 1 })

/**
 * What is reported while waiting: each look at the instance that shows something new, and at last that the goal is
 * reached, with the address that answers if one was asked for. `elapsed` is in milliseconds.
 *
 * @since 0.1.0
 * @category models
 */
export type Event =
  | { readonly _tag: "Waiting"; readonly instance: Instance; readonly elapsed: number }
  | {
      readonly _tag: "Ready"
      readonly instance: Instance
      readonly elapsed: number
      readonly address: SshAddress | undefined
    }

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** 15 minutes unless said otherwise. */
  readonly timeout?: Duration.Input
  /** Time between two looks; 3 seconds unless said otherwise. */
  readonly interval?: Duration.Input
  /** For how long an instance may stand still while it loads; 10 minutes unless said otherwise. */
  readonly stuckAfter?: Duration.Input
  /** For how long it may look exited or offline after it was told to run; 1 minute unless said otherwise. */
  readonly settle?: Duration.Input
}

interface Look {
  readonly began: number
  readonly seen: string
  /** When it last showed something new. */
  readonly changed: number
  readonly isFirst: boolean
}

/** What is known of an instance while it runs. */
interface Running {
  readonly latch: Latch.Latch
  instance: Instance | undefined
}

const ready = (instance: Instance, began: number, address: SshAddress | undefined): Effect.Effect<Event> =>
  Effect.map(Clock.currentTimeMillis, (now) => ({ _tag: "Ready", instance, elapsed: now - began, address }))

/** Between two rounds of probes, at most; longer, up to the second, where a round takes long. */
const probePause = [Duration.seconds(1), Duration.seconds(5)] as const

/**
 * Follows an instance until it reaches the goal: the stream ends with `Ready`. It fails at once with `InstanceFailed` for an
 * instance that can't get there (its container fails, it was stopped, it stands still while loading, it waits for a GPU,
 * its machine is offline), with `NotFound` for one that is gone, and with `WaitTimeout` at the deadline. Its addresses are
 * probed while the looks go on.
 *
 * Those who wait at the same time with one client share their looks, so that hundreds of instances take no more calls than
 * their list.
 *
 * @since 0.1.0
 * @category constructors
 */
export const watch = <R = never>(
  id: number,
  goal: Goal<R>,
  options: Options = {}
): Stream.Stream<Event, VastError.VastError, VastClient | R> => {
  const timeout = Duration.toMillis(Duration.fromInputUnsafe(options.timeout ?? "15 minutes"))
  const interval = Duration.fromInputUnsafe(options.interval ?? "3 seconds")
  const limits = {
    stuckAfter: Duration.toMillis(Duration.fromInputUnsafe(options.stuckAfter ?? "10 minutes")),
    settle: Duration.toMillis(Duration.fromInputUnsafe(options.settle ?? "1 minute"))
  }

  const tooLate = (status: string) =>
    VastError.make(new VastError.WaitTimeout({ instance: id, goal: goal._tag, seconds: timeout / 1000, status }))

  /** What is left of the time bounds each step. */
  const inTime = <A, E, R>(step: Effect.Effect<A, E, R>, look: Look, now: number) =>
    Effect.timeoutOrElse(step, {
      duration: Math.max(0, look.began + timeout - now),
      orElse: () => Effect.fail(tooLate(look.isFirst ? "not known" : look.seen.split("\n", 1).join("")))
    })

  const looks = (began: number, running: Running) =>
    Stream.paginate<Look, Event, VastError.VastError, VastClient>(
      { began, seen: "", changed: began, isFirst: true },
      Effect.fnUntraced(function* (look: Look) {
        const client = yield* VastClient
        if (!look.isFirst) yield* inTime(Effect.sleep(interval), look, yield* Clock.currentTimeMillis)
        const instance = yield* inTime(client.instances.look(id), look, yield* Clock.currentTimeMillis)
        const now = yield* Clock.currentTimeMillis
        const seen = InstanceState.fingerprint(instance)
        const isNew = look.isFirst || seen !== look.seen
        const changed = isNew ? now : look.changed
        const failure = InstanceState.failureOf(instance, now - changed, limits)
        if (failure !== undefined) return yield* VastError.make(failure)
        const isRunning = instance.actual_status === "running"
        if (isRunning && goal._tag === "running") {
          return [[yield* ready(instance, began, undefined)], Option.none<Look>()] as const
        }
        running.instance = isRunning ? instance : undefined
        if (isRunning) yield* running.latch.open
        else yield* running.latch.close
        const event: Event = { _tag: "Waiting", instance, elapsed: now - began }
        return [isNew ? [event] : [], Option.some<Look>({ began, seen, changed, isFirst: false })] as const
      })
    )

  const probes = (began: number, running: Running, probe: (address: SshAddress) => Effect.Effect<boolean, never, R>) =>
    Stream.fromEffect(
      Effect.gen(function* () {
        while (true) {
          yield* running.latch.await
          const { instance } = running
          if (instance === undefined) continue
          const start = yield* Clock.currentTimeMillis
          for (const address of sshAddresses(instance)) {
            if (yield* probe(address)) return yield* ready(instance, began, address)
          }
          const took = Duration.millis((yield* Clock.currentTimeMillis) - start)
          const [shortest, longest] = probePause
          yield* Effect.sleep(Duration.max(Duration.min(interval, shortest), Duration.min(took, longest)))
        }
      })
    )

  return Stream.unwrap(
    Effect.gen(function* () {
      const began = yield* Clock.currentTimeMillis
      const running: Running = { latch: yield* Latch.make(), instance: undefined }
      const seen = looks(began, running)
      return goal._tag === "running"
        ? seen
        : Stream.merge(seen, probes(began, running, goal.probe), { haltStrategy: "right" })
    })
  )
}

/**
 * Waits for the goal, and hands on each event on the way.
 *
 * @since 0.1.0
 * @category combinators
 */
export const waitUntil = <R = never, R2 = never>(
  id: number,
  goal: Goal<R>,
  options: Options & { readonly onEvent?: (event: Event) => Effect.Effect<void, never, R2> } = {}
): Effect.Effect<Extract<Event, { readonly _tag: "Ready" }>, VastError.VastError, VastClient | R | R2> =>
  watch(id, goal, options).pipe(
    Stream.tap((event) => options.onEvent?.(event) ?? Effect.void),
    Stream.runLast,
    Effect.flatMap((last) =>
      Option.isSome(last) && last.value._tag === "Ready"
        ? Effect.succeed(last.value)
        : Effect.die(new Error("the stream of a wait ended before it was ready"))
    )
  )
