/**
 * The package for programs that don't use Effect: plain promises.
 *
 * @since 0.1.0
 */
