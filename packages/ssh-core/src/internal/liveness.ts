import { Clock, Duration, Effect } from "effect"
import type * as Ssh2 from "ssh2"

/** How often a silence is looked at in one interval; its end is noticed that much late at most. */
const looks = 10

/**
 * Ends when nothing has been received for `interval` x `countMax`. Every received byte counts, not only replies to the
 * keepalive requests: on a slow link that is busy they queue up behind the data. Where the data is our own, {@link mark}
 * sees to it that something comes back meanwhile.
 */
export const silence = (options: {
  readonly receivedBytes: () => number
  readonly interval: Duration.Duration
  readonly countMax: number
}): Effect.Effect<Duration.Duration> =>
  Effect.gen(function* () {
    const limit = Duration.times(options.interval, options.countMax)
    let received = options.receivedBytes()
    let since = yield* Clock.monotonicTimeNanos
    for (;;) {
      yield* Effect.sleep(Duration.times(options.interval, 1 / looks))
      const now = yield* Clock.monotonicTimeNanos
      if (options.receivedBytes() !== received) {
        received = options.receivedBytes()
        since = now
        continue
      }
      const quiet = Duration.nanos(now - since)
      if (Duration.isGreaterThanOrEqualTo(quiet, limit)) return quiet
    }
  })

/** The slowest way out on which a busy connection is never called dead, in bytes a millisecond. */
const slowest = 200

/** Marks in the time of a silence, on such a way: an answer may come late, and others may use it as well. */
const marks = 4

/** More would save next to nothing. */
const mostBetween = 256 * 1024

/** The parts of the driver that send a channel's data, and a keepalive request, which a server answers at once. */
interface Inner {
  readonly _callbacks: Array<() => void>
  readonly _protocol?: { channelData: (channel: number, data: Buffer) => void; readonly ping: () => void }
}

/**
 * Puts requests that the server must answer between the data of all channels. What is on its way out may be megabytes, and
 * hides behind it whatever is asked later. The marks travel in order with it, and their answers say that what was sent
 * before them has arrived, whether or not the program that it is for reads it.
 */
export const mark = (
  client: Ssh2.Client,
  { countMax, interval }: { readonly interval: Duration.Duration; readonly countMax: number }
): void => {
  const inner = client as unknown as Inner
  const protocol = inner._protocol
  if (protocol === undefined) return
  const send = protocol.channelData.bind(protocol)
  const between = Math.min(mostBetween, (Duration.toMillis(interval) * countMax * slowest) / marks)
  let sent = 0
  protocol.channelData = (channel, data) => {
    send(channel, data)
    sent += data.length
    if (sent < between) return
    sent = 0
    // Answers come in the order of the requests.
    inner._callbacks.push(ignore)
    protocol.ping()
  }
}

const ignore = (): void => undefined
