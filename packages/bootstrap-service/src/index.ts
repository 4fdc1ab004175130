/**
 * The package for programs that don't use Effect: plain promises. For those that do there is the `./effect` subpath.
 *
 * @since 0.1.0
 */
export type * from "./internal/bonfireModel.ts"
export { createBootstrapService } from "./internal/bonfireService.ts"
