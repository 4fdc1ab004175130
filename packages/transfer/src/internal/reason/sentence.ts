const maxLength = 4000

/** A message with words of the other side in it, on one line and in bounds. */
export const oneLine = (text: string): string => {
  const line = text.slice(0, 2 * maxLength).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
  return line.length <= maxLength ? line : `${line.slice(0, maxLength)}…`
}

/** `web:/srv/x`, or the path alone where the machine has no name. */
export const place = (at: { readonly machine: string; readonly path: string }): string =>
  at.machine === "" || at.machine === "local:" ? at.path : `${at.machine}:${at.path}`
