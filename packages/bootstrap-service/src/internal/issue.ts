import type { SchemaIssue } from "effect"
import * as SchemaFault from "../SchemaFault.ts"

/** The first thing that is wrong, by its field and the rule it breaks. */
export const firstIssue = (issue: SchemaIssue.Issue): { readonly field: string; readonly detail: string } => {
  const [first] = SchemaFault.ofIssue(issue)
  return {
    field: first === undefined || first.path.length === 0 ? "configuration" : first.path.join("."),
    detail: first?.message ?? "it can't be read"
  }
}
