/**
 * What is wrong with a value, by the place and the rule that it breaks, without the value itself: it may be a secret.
 *
 * @since 0.1.0
 */
import { SchemaIssue } from "effect"

/**
 * One rule that is broken.
 *
 * @since 0.1.0
 * @category models
 */
export interface SchemaFault {
  readonly path: ReadonlyArray<string>
  readonly message: string
}

// The usual texts of some leaves quote the value at fault.
const format = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => {
    switch (issue._tag) {
      case "MissingKey":
        return "it is missing"
      case "UnexpectedKey":
        return "there is no such field"
      case "InvalidValue":
        return typeof issue.annotations?.message === "string" ? issue.annotations.message : "it is out of bounds"
      default:
        return "it is not of the right type"
    }
  }
})

/**
 * All that is wrong, in the order in which it was found.
 *
 * @since 0.1.0
 * @category conversions
 */
export const ofIssue = (issue: SchemaIssue.Issue): ReadonlyArray<SchemaFault> =>
  format(issue).issues.map(({ message, path = [] }) => ({
    path: path.map((part) => String(typeof part === "object" ? part.key : part)),
    message
  }))
