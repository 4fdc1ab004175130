/** `web:/srv/x`, or the path alone where the machine has no name. */
export const place = (at: { readonly machine: string; readonly path: string }): string =>
  at.machine === "" || at.machine === "local:" ? at.path : `${at.machine}:${at.path}`
