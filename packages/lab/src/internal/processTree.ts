/** Finding and ending the processes that a server started, by pid, through Linux's `/proc`. */
import { Effect } from "effect"
import * as Fs from "node:fs"
import { withRealClock } from "./realClock.ts"

// `/proc` is read with node:fs: its files report the size 0, and one may vanish between listing and reading.
const read = (path: string): string => {
  try {
    return Fs.readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

const readLink = (path: string): string => {
  try {
    return Fs.readlinkSync(path)
  } catch {
    return ""
  }
}

const listPids = (): ReadonlyArray<number> => {
  try {
    return Fs.readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

export interface Process {
  readonly pid: number
  readonly parent: number
  readonly state: string
  readonly started: string
}

const inspect = (pid: number): Process | undefined => {
  const stat = read(`/proc/${pid}/stat`)
  // The name, in parentheses, may hold anything: the fields start after the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const [state, parent] = fields
  const started = fields[19]
  if (stat === "" || state === undefined || started === undefined) return undefined
  return { pid, parent: Number(parent), state, started }
}

/** Every process that is not a zombie. */
export const running = (): ReadonlyArray<Process> =>
  listPids()
    .map(inspect)
    .filter((found): found is Process => found !== undefined && found.state !== "Z" && found.state !== "X")

export const commandLine = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim()

/** Processes of the sessions of the server on a loopback port: servers put address and port into `SSH_CONNECTION`. */
export const sessionsOf = (port: number): ReadonlyArray<Process> => {
  const session = new RegExp(`(?:^|\\0)SSH_CONNECTION=\\S+ \\d+ (?:127\\.0\\.0\\.1|::1) ${port}\\0`)
  return running().filter(({ pid }) => pid !== process.pid && session.test(read(`/proc/${pid}/environ`)))
}

/** Processes that were started with the variable in their environment, and their children, who inherit it. */
export const withVariable = (name: string, value: string): ReadonlyArray<Process> =>
  running().filter(
    ({ pid }) => pid !== process.pid && `\0${read(`/proc/${pid}/environ`)}\0`.includes(`\0${name}=${value}\0`)
  )

/**
 * The processes of a server other than itself: descendants of `pid`, processes in its private mount namespace, and
 * processes of its sessions that left the tree.
 */
export const belongingTo = (pid: number, port: number): ReadonlyArray<Process> => {
  const all = running()
  const namespace = readLink(`/proc/${pid}/ns/mnt`)
  const isPrivate = namespace !== "" && namespace !== readLink("/proc/self/ns/mnt")
  const family = new Set([pid, ...sessionsOf(port).map((found) => found.pid)])
  for (let before = 0; before !== family.size;) {
    before = family.size
    for (const found of all) {
      if (family.has(found.parent)) family.add(found.pid)
      else if (isPrivate && readLink(`/proc/${found.pid}/ns/mnt`) === namespace) family.add(found.pid)
    }
  }
  return all.filter((found) => found.pid !== pid && family.has(found.pid))
}

const isSame = (target: Process): boolean => {
  const now = inspect(target.pid)
  return now !== undefined && now.started === target.started && now.state !== "Z" && now.state !== "X"
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // it ended meanwhile
  }
}

/** Signals a process group, by a signal's name without `SIG`; a name that this system doesn't know does nothing. */
export const signalGroup = (pid: number, name: string): void => {
  try {
    process.kill(-pid, `SIG${name}`)
  } catch {
    // it ended meanwhile
  }
}

/** Stops a process that this program started and has not yet reaped. */
export const suspend = (pid: number): void => signal(pid, "SIGSTOP")

/** Kills the processes and waits until they are gone. */
export const end = (targets: ReadonlyArray<Process>): Effect.Effect<void> =>
  Effect.gen(function* () {
    // A pid is only signalled while it still names the process that was found.
    for (const target of targets) if (isSame(target)) signal(target.pid, "SIGKILL")
    while (targets.some(isSame)) yield* Effect.sleep("5 millis")
  }).pipe(withRealClock)
