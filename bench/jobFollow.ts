/** A job that prints 100 MB, followed over a link that is cut 20 times and over one that holds. */
import { Effect, Stream } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as Jobs from "@toehold/jobs/Jobs"
import * as JobSpec from "@toehold/jobs/JobSpec"
import * as FaultProxy from "@toehold/lab/FaultProxy"
import type { SshServer } from "@toehold/lab/SshServer"
import * as SshProcess from "@toehold/ssh-core/SshProcess"
import * as Crypto from "node:crypto"
import { ratioOf, report } from "./report.ts"
import { type Figures, timed } from "./rounds.ts"
import * as Toehold from "./toehold.ts"

const pieces = 100
const linesEach = 100_000
const megabyte = 10 * linesEach
const cuts = 20
const count = 3

/** 100 MB in ten seconds and more, as a job that works on something prints. */
const script = `i=0; while [ $i -lt ${pieces} ]; do seq -f %09.0f $((i*${linesEach})) $((i*${linesEach}+${linesEach - 1})); i=$((i+1)); sleep 0.1; done`

const expected = (): string => {
  const hash = Crypto.createHash("sha256")
  for (let line = 0; line < pieces * linesEach; line += linesEach) {
    const text = Array.from({ length: linesEach }, (_, index) => `${String(line + index).padStart(9, "0")}\n`)
    hash.update(text.join(""))
  }
  return hash.digest("hex")
}

export const jobFollow = Effect.fnUntraced(function* (server: SshServer) {
  const proxy = yield* Effect.orDie(FaultProxy.make({ target: server }))
  const client = yield* Toehold.pooled({ ...server, port: proxy.port })
  const jobs = yield* Jobs.make().pipe(
    Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, SshProcess.fromClient(client))
  )
  const whole = expected()

  /** Follows the job to its end, and cuts the link so many times on the way. */
  const follow = (id: string, times: number) =>
    Effect.gen(function* () {
      const hash = Crypto.createHash("sha256")
      let received = 0
      let cut = 0
      yield* Stream.runForEach(
        jobs.follow(id, { streams: ["stdout"] }),
        Effect.fnUntraced(function* (event) {
          if (event._tag !== "Output") return
          hash.update(event.data)
          received += event.data.length
          if (cut === times || received < ((cut + 1) * pieces * megabyte) / (times + 1)) return
          cut++
          yield* proxy.cut("rst")
        })
      )
      if (cut !== times) return yield* Effect.die(`${cut} cuts instead of ${times}`)
      const digest = hash.digest("hex")
      if (digest !== whole) return yield* Effect.die(`${received} bytes came, and not those that were printed`)
    }).pipe(Effect.orDie)

  const start = Effect.map(Effect.orDie(jobs.start(JobSpec.shell(script))), ({ id }) => id)
  const figures: Record<string, Array<number>> = {}
  const note = (name: string, milliseconds: number) => (figures[name] ??= []).push(milliseconds)
  for (let round = 0; round < count; round++) {
    const calm = yield* start
    note("as it prints", yield* timed(follow(calm, 0)))
    const rough = yield* start
    note("as it prints, 20 cuts", yield* timed(follow(rough, cuts)))
    note("all at once", yield* timed(follow(rough, 0)))
    note("all at once, 20 cuts", yield* timed(follow(rough, cuts)))
    yield* Effect.orDie(jobs.prune())
  }
  const measured: Figures = figures
  return yield* report("job-follow", measured, [
    { what: "20 cuts / none", ratio: ratioOf(measured, "as it prints, 20 cuts", "as it prints"), atMost: 1.5 }
  ])
})
