/**
 * What was kept of one output stream of a command, within a limit.
 *
 * @since 0.1.0
 */
export * from "@toehold/shell/CapturedOutput"
