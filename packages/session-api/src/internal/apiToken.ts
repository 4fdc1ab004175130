import { Schema } from "effect"
import { Scope } from "./scope.ts"

/**
 * What is known of a token; the secret itself is known to its holder alone. `owner` is whose sessions it sees.
 *
 * @since 0.1.0
 * @category models
 */
export class ApiToken extends Schema.Class<ApiToken>("@toehold/session-api/ApiToken")({
  id: Schema.String,
  name: Schema.String,
  owner: Schema.String,
  scopes: Schema.Array(Scope),
  createdAt: Schema.DateTimeUtcFromString,
  expiresAt: Schema.NullOr(Schema.DateTimeUtcFromString),
  lastUsedAt: Schema.NullOr(Schema.DateTimeUtcFromString),
  revokedAt: Schema.NullOr(Schema.DateTimeUtcFromString)
}) {}
