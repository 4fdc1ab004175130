import { SchemaIssue } from "effect"

// The usual texts of some leaves quote the value at fault, which may be a secret.
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

/** The first thing that is wrong, by its field and the rule it breaks. */
export const firstIssue = (issue: SchemaIssue.Issue): { readonly field: string; readonly detail: string } => {
  const [first] = format(issue).issues
  const path = (first?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part))
  return {
    field: path.length === 0 ? "configuration" : path.join("."),
    detail: first?.message ?? "it can't be read"
  }
}
