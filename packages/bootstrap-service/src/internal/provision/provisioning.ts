/** The seventh step: what is to be set up is set up, by the image's own provisioner, a script, or recipes. */
import { Effect, type Redacted, Schedule } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { MachineFacts } from "../../MachineFacts.ts"
import * as ProvisionError from "../../ProvisionError.ts"
import * as ProvisionLog from "../../ProvisionLog.ts"
import * as Recipe from "../../Recipe.ts"
import { askLines, one, quote } from "./ask.ts"
import { lastLines, masking, shown } from "./lines.ts"
import { provisioner } from "./provisionerScript.ts"
import type { Reporter, StepResult } from "./runner.ts"
import { attemptsAt, isDone, runWork, type Work } from "./work.ts"

export interface ProvisioningOptions {
  readonly recipes?: ReadonlyArray<{ readonly recipe: Recipe.Recipe; readonly arguments?: ReadonlyArray<string> }>
  readonly script?: { readonly name: string; readonly text: string } | undefined
  readonly secrets?: Readonly<Record<string, Redacted.Redacted<string>>> | undefined
  readonly logs?: ReadonlyArray<string> | undefined
}

/** The logs of the images there are; `*` is the workspace. */
const defaultLogs: ReadonlyArray<string> = [
  "*/provision_image.log",
  "/workspace/provision_image.log",
  "~/workspace/provision_image.log",
  "/var/log/portal/provisioning.log",
  "*/provisioning.log",
  "/root/onstart.log"
]

interface Found {
  readonly log: string | undefined
  readonly script: string | undefined
  readonly isRunning: boolean
  readonly text: string
}

const look = Effect.fnUntraced(function* (facts: MachineFacts, options: ProvisioningOptions) {
  const said = yield* askLines({
    step: "provisioning",
    script: provisioner,
    args: [facts.workspace, ...(options.logs ?? defaultLogs)]
  })
  const found: Found = {
    log: one(said, "log"),
    script: one(said, "script"),
    isRunning: said.has("running"),
    text: (said.get("line") ?? []).join("\n")
  }
  return found
})

const missing = (names: ReadonlyArray<string>, source: string) =>
  ProvisionError.make(new ProvisionError.SecretsMissing({ names, source }))

type Step = Effect.Effect<StepResult<void>, ProvisionError.ProvisionError, ChildProcessSpawner.ChildProcessSpawner>

/** The image's own provisioner: waited for while it runs, started again where it failed. */
const ofImage = Effect.fnUntraced(function* (facts: MachineFacts, options: ProvisioningOptions, report: Reporter) {
  const { secrets = {} } = options
  const mask = masking(secrets)
  let said = ""
  const settled = Effect.gen(function* () {
    const found = yield* look(facts, options)
    if (!found.isRunning) return found
    const [line = "it runs"] = lastLines(mask(found.text), 1)
    if (line !== said) {
      said = line
      yield* report.line(line)
    }
    return yield* Effect.fail("running" as const)
  })
  const found = yield* Effect.retry(settled, {
    schedule: Schedule.spaced("2 seconds"),
    while: (error) => error === "running"
  }).pipe(
    Effect.catchIf(
      (error) => error === "running",
      () => Effect.die("a schedule without end ended")
    )
  )
  if (found.log === undefined) return { value: undefined, detail: "nothing to provision", skipped: true }
  const verdict = ProvisionLog.read(found.text)
  const source = `${found.log} says: ${shown(mask(verdict.line))}`
  if (verdict._tag === "Succeeded") {
    return { value: undefined, detail: `provisioned: ${source}`, skipped: true }
  }
  if (verdict._tag === "Unknown") {
    return { value: undefined, detail: `the provisioner ended without a word: ${source}`, skipped: true }
  }
  const work = found.script === undefined ? undefined : workOf(found.script, secrets, facts)
  const wasRun = { value: undefined, detail: `${found.script ?? ""} had come to a good end`, skipped: true }
  const attempts = work === undefined ? [] : yield* attemptsAt(work)
  if (isDone(attempts)) return wasRun
  if (verdict._tag === "SecretsMissing") {
    const names = verdict.names.filter((name) => !Object.hasOwn(secrets, name))
    if (names.length > 0) return yield* missing(names, source)
  }
  if (work === undefined) {
    return yield* ProvisionError.make(
      new ProvisionError.ProvisioningFailed({
        what: "The image's provisioner",
        how: `${source}; and its script is not there to be run again`,
        tail: lastLines(mask(found.text), 3)
      })
    )
  }
  yield* report.progress(`${source}; running ${found.script} again`)
  const { skipped } = yield* runWork(work, { onLine: report.line, onProgress: report.progress }, attempts)
  return skipped ? wasRun : { value: undefined, detail: `${found.script} came to a good end`, skipped }
})

type Secrets = NonNullable<ProvisioningOptions["secrets"]>

/** Its own first line says what runs it, where it may be run at all. */
const workOf = (path: string, secrets: Secrets, facts: MachineFacts): Work => {
  const word = quote(path)
  return {
    name: path.split("/").at(-1) ?? "provision",
    version: "1",
    interpreter: "sh",
    script: `if [ -x ${word} ]; then exec ${word}; elif command -v bash >/dev/null; then exec bash ${word}; else exec sh ${word}; fi`,
    args: [],
    secrets,
    step: "provisioning",
    facts
  }
}

/** What the caller wants beyond it. */
const ofCaller = Effect.fnUntraced(function* (facts: MachineFacts, options: ProvisioningOptions, report: Reporter) {
  const { recipes = [], script, secrets = {} } = options
  const done: Array<string> = []
  let isNew = false
  if (script !== undefined) {
    const { skipped } = yield* runWork(
      {
        name: script.name,
        version: "1",
        interpreter: /^#! ?\S*\/(?:env )?bash\b/.test(script.text) ? "bash" : "sh",
        script: script.text,
        args: [],
        secrets,
        step: "provisioning",
        facts
      },
      { onLine: report.line, onProgress: report.progress }
    )
    done.push(`${script.name}${skipped ? " (had run)" : ""}`)
    isNew ||= !skipped
  }
  for (const { arguments: args = [], recipe } of recipes) {
    const names = new Set(recipe.secrets.map(({ name }) => name))
    const { skipped } = yield* Recipe.run(recipe, facts, {
      arguments: args,
      secrets: Object.fromEntries(Object.entries(secrets).filter(([name]) => names.has(name))),
      onLine: report.line,
      onProgress: report.progress
    })
    done.push(`${recipe.name} ${recipe.version}${skipped ? " (had run)" : ""}`)
    isNew ||= !skipped
  }
  return { value: undefined, detail: done.join(", "), skipped: !isNew }
})

export const provisioning = (facts: MachineFacts, options: ProvisioningOptions, report: Reporter): Step =>
  options.script !== undefined || (options.recipes ?? []).length > 0
    ? ofCaller(facts, options, report)
    : ofImage(facts, options, report)
