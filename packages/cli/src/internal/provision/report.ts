/** The steps of provisioning as lines: for people on stderr, for programs one JSON document each. */
import { Effect } from "effect"
import type { ProvisionEvent, Step } from "@toehold/bootstrap-service/ProvisionEvent"
import { StandardStreams } from "../../StandardStreams.ts"
import type { Invocation } from "../commandSpec.ts"
import { plain } from "../print.ts"

export interface StepRecord {
  readonly step: Step
  readonly durationMs: number
  readonly skipped: boolean
  readonly detail: string
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

const lineOf = (event: ProvisionEvent): string | undefined => {
  switch (event._tag) {
    case "Started":
      return undefined
    case "Progress":
      return `     ${event.step}: ${event.detail}`
    case "Output":
      return `     | ${event.line}`
    case "Heartbeat":
      return `     ${event.step}: still at it after ${seconds(event.elapsedMs)}`
    case "Done":
      return `${event.skipped ? "--  " : "ok  "} ${event.step.padEnd(12)} ${seconds(event.durationMs).padStart(8)}  ${event.detail}`
    case "Failed":
      return `FAIL ${event.step.padEnd(12)} ${seconds(event.durationMs).padStart(8)}  ${event.detail}`
  }
}

const documentOf = ({ _tag, ...fields }: ProvisionEvent): object => ({ event: _tag.toLowerCase(), ...fields })

/** Takes events, and keeps what each step came to. */
export const makeReport = Effect.fnUntraced(function* (invocation: Invocation) {
  const { stderr, stdout } = yield* StandardStreams
  const steps: Array<StepRecord> = []
  const isNdjson = invocation.has("ndjson")
  const onEvent = (event: ProvisionEvent): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (event._tag === "Done") {
        const { detail, durationMs, skipped, step } = event
        steps.push({ step, durationMs: Math.round(durationMs), skipped, detail })
      }
      if (isNdjson) return Effect.ignore(stdout(`${JSON.stringify(documentOf(event))}\n`))
      const line = lineOf(event)
      return line === undefined ? Effect.void : Effect.ignore(stderr(`${plain(line)}\n`))
    })
  return { onEvent, steps }
})
