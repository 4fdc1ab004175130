/**
 * What is known of a command when an operation failed.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"

/**
 * The command certainly did not run, it may have run, or it finished. Only `did-not-run` is ever safe to repeat without
 * looking.
 *
 * @since 0.1.0
 * @category models
 */
export const Outcome = Schema.Literals(["did-not-run", "may-have-run", "finished"])

/**
 * @since 0.1.0
 * @category models
 */
export type Outcome = typeof Outcome.Type
