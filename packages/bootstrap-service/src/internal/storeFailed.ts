import { SqlError } from "effect/sql"
import * as BootstrapError from "../BootstrapError.ts"

/** What can be told of a database's failure: never the values that were in a statement. */
export const storeFailed = (
  cause: { readonly _tag: string; readonly message: string },
  what?: string
): BootstrapError.BootstrapError => {
  const detail = cause._tag === "SchemaError" ? "what it holds can't be read" : cause.message
  return BootstrapError.make(
    new BootstrapError.StoreFailed({
      detail: what === undefined ? detail : `${what}: ${detail}`,
      isRetryable: SqlError.isSqlError(cause) && cause.isRetryable
    })
  )
}
