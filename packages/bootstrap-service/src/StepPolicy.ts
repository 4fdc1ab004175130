/**
 * How long a step may take, and how often it is tried.
 *
 * @since 0.1.0
 */
import type { SessionStep } from "./SessionStep.ts"

/**
 * The limits of one step, in milliseconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface StepPolicy {
  /** How long one attempt may take. */
  readonly timeLimit: number
  /** How often it is tried, while it fails for a reason that may pass. */
  readonly attempts: number
  /** Pause before the second attempt; it doubles with each, up to 30 seconds. */
  readonly pause: number
  /** How long it may say nothing before that is reported as a stall. */
  readonly stallAfter: number
}

/**
 * @since 0.1.0
 * @category models
 */
export type StepPolicies = Readonly<Record<SessionStep, StepPolicy>>

const minute = 60_000

const quick: StepPolicy = { timeLimit: 2 * minute, attempts: 3, pause: 1000, stallAfter: 30_000 }

/**
 * What each step has when nothing else is said. The steps `machine` and `health` poll by themselves, and the limit of
 * `health` comes on top of the session's own.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaults: StepPolicies = {
  machine: { ...quick, attempts: 2 },
  console: quick,
  network: quick,
  workspace: quick,
  repository: { timeLimit: 40 * minute, attempts: 3, pause: 5000, stallAfter: 2 * minute },
  openCode: { ...quick, timeLimit: 3 * minute },
  health: { timeLimit: minute, attempts: 1, pause: 1000, stallAfter: minute }
}

/**
 * The defaults with what is to differ.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withChanges = (changes: Readonly<Partial<Record<SessionStep, Partial<StepPolicy>>>>): StepPolicies => ({
  machine: { ...defaults.machine, ...changes.machine },
  console: { ...defaults.console, ...changes.console },
  network: { ...defaults.network, ...changes.network },
  workspace: { ...defaults.workspace, ...changes.workspace },
  repository: { ...defaults.repository, ...changes.repository },
  openCode: { ...defaults.openCode, ...changes.openCode },
  health: { ...defaults.health, ...changes.health }
})
