/** The eighth step: the app answers on its port, started where it has to be. */
import { Effect, Schedule } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { MachineFacts } from "../../MachineFacts.ts"
import * as MachineService from "../../MachineService.ts"
import * as ProvisionError from "../../ProvisionError.ts"
import { ask, askLines, one } from "./ask.ts"
import { lastLines } from "./lines.ts"
import type { Reporter, StepResult } from "./runner.ts"
import { health } from "./tunnelScript.ts"

export interface App {
  readonly name: string
  readonly port: number
  /** Shell text that runs it in the workspace. */
  readonly command?: string | undefined
  /** What to ask for. */
  readonly path?: string | undefined
}

/** The app that is meant where none is named. */
export const comfyui: App = { name: "comfyui", port: 8188 }

/** ComfyUI where images put it. */
const knownCommand = (name: string, port: number): string | undefined =>
  name === "comfyui"
    ? `cd "$WORKSPACE/ComfyUI" && if [ -x .venv/bin/python ]; then exec .venv/bin/python main.py --listen 127.0.0.1 --port ${port}; else exec python3 main.py --listen 127.0.0.1 --port ${port}; fi`
    : undefined

type Health = { readonly isUp: boolean; readonly detail: string }

const healthOf = Effect.fnUntraced(function* ({ path = "/", port }: App) {
  const said = yield* askLines({ step: "services", script: health, args: [String(port), path] })
  const http = one(said, "http") ?? "none"
  const isListening = said.has("listening")
  if (http === "none") {
    return { isUp: isListening, detail: isListening ? "it listens" : "nothing listens" } satisfies Health
  }
  const code = Number(http)
  if (code >= 200 && code < 500) return { isUp: true, detail: `it answers ${http}` } satisfies Health
  return { isUp: false, detail: code === 0 ? "nothing answers" : `it answers ${http}` } satisfies Health
})

const waiting = Schedule.min([Schedule.exponential("60 millis", 1.3), Schedule.spaced("2 seconds")])

export const services = Effect.fnUntraced(function* (
  facts: MachineFacts,
  app: App,
  report: Reporter
): Effect.fn.Return<StepResult<void>, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner> {
  const { name, port } = app
  const now = yield* healthOf(app)
  if (now.isUp) return { value: undefined, detail: `${name} on port ${port}: ${now.detail}`, skipped: true }
  const command = app.command ?? knownCommand(name, port)
  const isThere =
    app.command !== undefined ||
    (command !== undefined &&
      (yield* ask({ step: "services", script: '[ -f "$1/ComfyUI/main.py" ]', args: [facts.workspace] })).exitCode === 0)
  if (command === undefined || !isThere) {
    return yield* ProvisionError.make(new ProvisionError.ServiceMissing({ name, port }))
  }
  const place: MachineService.Place = { manager: facts.manager, step: "services" }
  const { changed } = yield* MachineService.ensure(
    { name, command, cwd: facts.workspace, env: { PATH: facts.path, WORKSPACE: facts.workspace } },
    place
  )
  yield* report.progress(`${name} ${changed ? "started" : "is starting"} by ${facts.manager}`)
  const up = Effect.gen(function* () {
    const health = yield* healthOf(app)
    if (health.isUp) return health.detail
    const { detail, state } = yield* MachineService.status(name, place)
    if (state !== "running") {
      return yield* ProvisionError.make(
        new ProvisionError.ServiceFailed({
          step: "services",
          name,
          manager: facts.manager,
          detail,
          tail: lastLines(yield* MachineService.output(name, place), 5)
        })
      )
    }
    return yield* Effect.fail("starting" as const)
  })
  const detail = yield* Effect.retry(up, { schedule: waiting, while: (error) => error === "starting" }).pipe(
    Effect.catchIf(
      (error) => error === "starting",
      () => Effect.die("a schedule without end ended")
    )
  )
  return { value: undefined, detail: `${name} on port ${port}: ${detail}`, skipped: !changed }
})
