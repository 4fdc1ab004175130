/**
 * The one error of the lab: a part of a test's surroundings could not be set up.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"

/**
 * What could not be set up and why, with the tail of the server's log where there is one.
 *
 * @since 0.1.0
 * @category errors
 */
export class LabError extends Schema.TaggedError<LabError>()("LabError", {
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}
