import { Clock, Duration, Effect } from "effect"
import * as VastError from "../VastError.ts"
import type { Transport } from "./transport.ts"

const interval = Duration.millis(500)

/** The text behind a `result_url`, as soon as it is there. */
export const awaitText = (transport: Transport, call: string, url: string, timeout: Duration.Input) =>
  Effect.gen(function* () {
    const limit = Duration.toMillis(Duration.fromInputUnsafe(timeout))
    const end = (yield* Clock.currentTimeMillis) + limit
    while (true) {
      const text = yield* transport.file(call, url)
      if (text !== undefined) return text
      if ((yield* Clock.currentTimeMillis) >= end) {
        return yield* VastError.make(new VastError.ResultTimeout({ call, seconds: limit / 1000 }))
      }
      yield* Effect.sleep(interval)
    }
  })
