/** What a shell's exit code says of a signal. */

/** By their numbers on Linux, from 1 on. */
const names =
  "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS".split(
    " "
  )

const firstRealTime = 34

const nameOf = (number: number): string => {
  const name = names[number - 1]
  return name === undefined ? `SIGRTMIN+${Math.max(0, number - firstRealTime)}` : `SIG${name}`
}

/**
 * The signal that ended a process, where one did. A shell says so in words beside the code, but for SIGINT and SIGPIPE: a
 * code that stands for one of those is taken for it.
 */
export const signalOf = (code: number, hasWords: boolean): string | undefined => {
  const number = code - 128
  if (number < 1 || number > 64) return undefined
  return hasWords || number === 2 || number === 13 ? nameOf(number) : undefined
}
