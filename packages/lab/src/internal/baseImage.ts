/** The Debian image that the lab's images start from, wherever it can be had. */
import { Effect } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { LabError } from "../LabError.ts"
import * as RealPart from "../RealPart.ts"
import { docker } from "./dockerCli.ts"

const release = "bookworm"
const published = `debian:${release}-slim`
const own = `toehold-lab/base:${release}`

/** A registry that answers takes seconds; one that can't be reached may take minutes to say so. */
const pullLimit = "20 seconds"

const isThere = (name: string) => Effect.isSuccess(docker("image", "inspect", name))

const isPulled = docker("pull", "--quiet", published).pipe(Effect.timeout(pullLimit), Effect.isSuccess)

/**
 * The name of a Debian image that the engine has: one that is there already, else the published one, else one that is
 * made of Debian's packages, for places where no image registry answers.
 */
export const make: Effect.Effect<string, LabError, ChildProcessSpawner.ChildProcessSpawner> = Effect.gen(function* () {
  for (const name of [own, published]) if (yield* isThere(name)) return name
  if (yield* isPulled) return published
  yield* Effect.scoped(fromPackages).pipe(
    Effect.mapError((cause) => new LabError({ message: "Could not make a Debian image of packages", cause }))
  )
  return own
})

const fromPackages = Effect.gen(function* () {
  const packages = ChildProcess.make(
    RealPart.path("mmdebstrap"),
    ["--quiet", "--variant=minbase", "--include=ca-certificates", release, "-"],
    { stderr: "ignore" }
  )
  const imported = ChildProcess.make(RealPart.path("docker"), ["import", "-", own])
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const code = yield* spawner.exitCode(ChildProcess.pipeTo(packages, imported))
  if (code !== 0) return yield* new LabError({ message: `docker import ended with ${code}` })
})
