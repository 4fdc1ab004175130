/** How much may be under way at once. What is asked for beyond it is not refused to who has nothing under way. */
export class Budget {
  readonly #limit: number
  #used = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  take(amount: number, mustHave: boolean): boolean {
    if (!mustHave && this.#used + amount > this.#limit) return false
    this.#used += amount
    return true
  }

  give(amount: number): void {
    this.#used -= amount
  }
}
