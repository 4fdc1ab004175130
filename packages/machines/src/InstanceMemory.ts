/**
 * What is remembered of rented instances between two logins, beside their host keys.
 *
 * @since 0.1.0
 */
import { Context, Effect } from "effect"

/**
 * Keeps for each instance the mark of the contract and machine that it had at the last login (`Instance.markOf`), so that
 * another host key can be told from one that is new because everything is. It decides nothing: a changed key is refused in
 * either case, only the reason differs. Unless one is provided nothing is remembered.
 *
 * @since 0.1.0
 * @category services
 */
export const InstanceMemory = Context.Reference<{
  readonly recall: (instance: number) => Effect.Effect<string | undefined>
  readonly keep: (instance: number, mark: string) => Effect.Effect<void>
}>("@toehold/machines/InstanceMemory", {
  defaultValue: () => ({ recall: () => Effect.undefined, keep: () => Effect.void })
})

/**
 * What is kept of an instance that this user recycled, in the place of a mark.
 *
 * @since 0.1.0
 * @category constants
 */
export const recycled = "recycled"
