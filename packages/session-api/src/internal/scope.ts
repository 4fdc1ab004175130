import { Context, Schema } from "effect"

/**
 * What a token may do: look at sessions, change them, look at machines. `admin` may do all of it, for the sessions of
 * every owner.
 *
 * @since 0.1.0
 * @category models
 */
export const Scope = Schema.Literals(["sessions:read", "sessions:write", "machines:read", "admin"])

/**
 * @since 0.1.0
 * @category models
 */
export type Scope = typeof Scope.Type

/**
 * The scope that an endpoint asks for, as an annotation of the endpoint.
 *
 * @since 0.1.0
 * @category annotations
 */
export class RequiredScope extends Context.Service<RequiredScope, Scope>()("@toehold/session-api/RequiredScope") {}
