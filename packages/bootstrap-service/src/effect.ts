/**
 * The package for programs that use Effect.
 *
 * @since 0.1.0
 */
