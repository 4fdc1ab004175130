/**
 * The shell text that ends a process group on a machine, and says whether it is gone.
 *
 * @since 0.1.0
 */

/**
 * A script for any POSIX shell that sends `signal` (such as `TERM`) to the group, waits up to `graceMs` milliseconds for
 * it to empty, then sends SIGKILL, and prints `gone` or `left`. Where the process leads no group (`ownGroup` is `false`)
 * it is the process alone that is ended. Where /proc tells, a zombie that nobody reaps does not count, and a process of
 * another user's that may not be signalled does. `pid` may name a variable of the script that it is put into, such as `$pid`.
 *
 * @since 0.1.0
 * @category scripts
 */
export const killScript = (options: {
  readonly pid: number | `$${string}`
  readonly ownGroup: boolean
  readonly signal: string
  readonly graceMs: number
}): string =>
  [
    alive(options),
    `kill -${options.signal} ${targetOf(options)} 2>/dev/null`,
    wait(options.graceMs, signalable(options)),
    `kill -KILL ${targetOf(options)} 2>/dev/null`,
    wait(2000, signalable(options)),
    "if alive; then echo left; else echo gone; fi"
  ].join("; ")

/**
 * A script for any POSIX shell that sends nothing, waits up to `withinMs` milliseconds for the group to empty, and prints
 * `gone` or `left`, of which a zombie is none.
 *
 * @since 0.1.0
 * @category scripts
 */
export const goneScript = (options: {
  readonly pid: number
  readonly ownGroup: boolean
  readonly withinMs: number
}): string => [alive(options), wait(options.withinMs), "if alive; then echo left; else echo gone; fi"].join("; ")

interface Group {
  readonly pid: number | `$${string}`
  readonly ownGroup: boolean
}

/** Only `kill -SIG -PGID` works in dash, bash and BusyBox alike. */
const targetOf = ({ ownGroup, pid }: Group): string => (ownGroup ? `-${pid}` : String(pid))

const alive = (group: Group): string =>
  group.ownGroup
    ? `alive() { if [ ! -r /proc/self/stat ]; then kill -0 ${targetOf(group)} 2>/dev/null; return; fi; ` +
      `for f in /proc/[0-9]*/stat; do { IFS= read -r l <"$f"; } 2>/dev/null || continue; l=\${l##*) }; set -- $l; ` +
      `[ "$3" = ${group.pid} ] && [ "$1" != Z ] && [ "$1" != X ] && return 0; done; return 1; }`
    : `alive() { kill -0 ${targetOf(group)} 2>/dev/null || [ -d /proc/${targetOf(group)} ]; }`

/** Nothing changes any more where there is nothing left to signal. */
const signalable = (group: Group): string => `kill -0 ${targetOf(group)} 2>/dev/null && `

const wait = (ms: number, condition = ""): string =>
  `i=0; while ${condition}alive && [ $i -lt ${Math.ceil(ms / 50)} ]; do sleep 0.05 2>/dev/null || sleep 1; i=$((i+1)); done`
