/** Following a job across any number of connections. */
import { Effect, type Duration, Schedule, Stream } from "effect"
import type { JobEvent, StreamName } from "../JobOutput.ts"
import * as JobsError from "../JobsError.ts"
import { refusal } from "./refusal.ts"
import { ask, retrying, type Spawner } from "./remote.ts"
import type { Item } from "./replies.ts"
import * as Follow from "./script/follow.ts"

/** The machine says something this often, so that silence three times as long is a connection that is gone. */
const beatMillis = 5000

/** How often in a row nonsense may come, nothing else between. */
const maxNonsense = 5

export interface FollowRequest {
  readonly id: string
  /** Where to go on in each stream that is wanted. */
  readonly from: Readonly<Partial<Record<StreamName, number>>>
  readonly reconnectFor: Duration.Input
}

/** Something came, which is all that a new connection has to show. */
type Sign = { readonly _tag: "Sign" }

const bad = (id: string, detail: string) =>
  JobsError.make(new JobsError.BadReply({ id, detail, outcome: "did-not-run" }))

export const follow = (
  spawner: Spawner,
  { from, id, reconnectFor }: FollowRequest
): Stream.Stream<JobEvent, JobsError.JobsError> =>
  Stream.suspend(() => {
    const at: Partial<Record<StreamName, number>> = { ...from }
    let nonsense = 0

    const read = (item: Item): JobEvent | Sign | JobsError.JobsError | undefined => {
      switch (item._tag) {
        case "Beat":
          return { _tag: "Sign" }
        case "Data":
        case "Gap": {
          const start = item._tag === "Data" ? item.offset : item.from
          if (at[item.stream] !== start) return bad(id, `offset ${start} of ${item.stream} was not to come now`)
          nonsense = 0
          at[item.stream] = item._tag === "Data" ? start + item.data.length : item.to
          return item._tag === "Data" ? { ...item, _tag: "Output" } : item
        }
        case "Job":
          return { _tag: "Ended", status: item.job.status }
        case "Refusal":
          return refusal({ id }, item.code, item.detail)
        case "End":
          return undefined
      }
    }

    const session = Stream.suspend(() =>
      ask(spawner, {
        script: Follow.follow,
        args: [
          id,
          ...[at.stdout, at.stderr].map((offset) => (offset === undefined ? "-" : String(offset))),
          "0",
          String(beatMillis)
        ],
        id,
        changes: false,
        silence: 3 * beatMillis
      })
    ).pipe(
      Stream.map(read),
      Stream.filter((event) => event !== undefined),
      Stream.mapEffect((event) => (event._tag === "JobsError" ? Effect.fail(event) : Effect.succeed(event))),
      Stream.tapError((error) => {
        if (error.reason._tag === "BadReply") nonsense++
        return Effect.logDebug(`Following the job "${id}" broke off at ${at.stdout ?? "-"}, ${at.stderr ?? "-"}`, error)
      })
    )

    return session.pipe(
      Stream.retry(Schedule.while(retrying(reconnectFor), () => nonsense <= maxNonsense)),
      Stream.filter((event) => event._tag !== "Sign")
    )
  })
