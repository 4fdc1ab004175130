/** Which of an instance's addresses may still let us in, as it is tried again and again. */
import type { Attempt } from "@toehold/machines/MachineError"
import * as VastMachine from "@toehold/machines/VastMachine"

/** A key that was attached lets nobody in before this, in practice 60 to 120 s. */
const injectionMillis = 180_000

export class Hopes {
  readonly #lost = new Map<string, Attempt>()
  readonly #open = new Set<string>()
  #rejectedSince: number | undefined

  /** Whether an address showed another host key than it had. */
  get hasAlarm(): boolean {
    return [...this.#lost.values()].some(({ error }) => VastMachine.isAlarm(error))
  }

  /** Takes a failed attempt at a time in milliseconds, and gives all that make waiting vain once there is no hope left. */
  push(attempt: Attempt, now: number): ReadonlyArray<Attempt> | undefined {
    const { route } = attempt
    if (!this.#isFinal(attempt, now)) {
      this.#open.add(route)
      this.#lost.delete(route)
      return undefined
    }
    this.#open.delete(route)
    // The other address, if there is one, has its turn before the same comes again.
    const isDecided = this.#lost.size > 0
    this.#lost.set(route, attempt)
    return isDecided && this.#open.size === 0 ? [...this.#lost.values()] : undefined
  }

  #isFinal({ error }: Attempt, now: number): boolean {
    if (VastMachine.isAlarm(error) || error.reason._tag === "HostKeyUnknown") return true
    if (error.reason._tag !== "AuthRejected") return false
    this.#rejectedSince ??= now
    return now - this.#rejectedSince > injectionMillis
  }
}
