/** What is wrong with a request, by the place and the rule, without the value: it may be a secret. */
import * as SchemaFault from "@toehold/bootstrap-service/SchemaFault"
import type { SchemaIssue } from "effect"
import type { HttpApiError } from "effect/http-api"
import { InvalidRequest } from "./reason.ts"

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
    issues: SchemaFault.ofIssue(issue)
      .slice(0, maxIssues)
      .map(({ message, path }) => ({ path: [place, ...path].join("."), message }))
  })

export const ofRequest = ({ cause, kind }: HttpApiError.HttpApiSchemaError): InvalidRequest =>
  invalidRequest(places[kind] ?? kind, cause.issue)
