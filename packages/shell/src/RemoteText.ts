/**
 * Words of a machine's in messages of ours.
 *
 * @since 0.1.0
 */
const maxLength = 4000

/**
 * A message with words of the other side in it, on one line and in bounds: a control character could move the cursor,
 * or make a line of its own in a log.
 *
 * @since 0.1.0
 * @category formatting
 */
export const oneLine = (text: string): string => {
  const line = text.slice(0, 2 * maxLength).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
  return line.length <= maxLength ? line : `${line.slice(0, maxLength)}…`
}
