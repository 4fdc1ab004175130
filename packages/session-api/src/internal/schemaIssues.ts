/** What is wrong with a request, by the place and the rule, without the value: it may be a secret. */
import { SchemaIssue } from "effect"
import type { HttpApiError } from "effect/http-api"
import { InvalidRequest } from "./reason.ts"

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

const maxIssues = 20

/** The places of a request as its caller knows them. */
const places: Readonly<Record<string, string>> = {
  Params: "path",
  Headers: "headers",
  Query: "query",
  Payload: "body"
}

export const invalidRequest = (place: string, issue: SchemaIssue.Issue): InvalidRequest =>
  new InvalidRequest({
    issues: format(issue)
      .issues.slice(0, maxIssues)
      .map(({ message, path = [] }) => ({
        path: [place, ...path.map((part) => String(typeof part === "object" ? part.key : part))].join("."),
        message
      }))
  })

export const ofRequest = ({ cause, kind }: HttpApiError.HttpApiSchemaError): InvalidRequest =>
  invalidRequest(places[kind] ?? kind, cause.issue)
