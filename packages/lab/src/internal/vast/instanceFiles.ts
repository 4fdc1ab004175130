/** What the API tells of an instance's insides: its log, and the three commands that it runs there. */
import { Effect } from "effect"
import * as ChildProcess from "node:child_process"
import * as Path from "node:path"
import type { InstanceRecord } from "./instanceRecord.ts"

export interface LogOptions {
  readonly tail: number
  readonly filter: string
  readonly isDaemon: boolean
}

const containerLog = (record: InstanceRecord): ReadonlyArray<string> => [
  `2026-09-01 12:00:00,000 INFO instance ${record.id} of ${record.image}`,
  "2026-09-01 12:00:00,500 INFO supervisord started with pid 300",
  `2026-09-01 12:00:01,000 INFO ${record.statusMsg?.trim() ?? "no status yet"}`
]

export const logOf = (record: InstanceRecord, options: LogOptions): Effect.Effect<string> =>
  Effect.sync(() => {
    const lines = options.isDaemon ? [`kaalia: instance ${record.id} ${record.actualStatus}`] : containerLog(record)
    const found = lines.filter((line) => line.includes(options.filter))
    return found
      .slice(-options.tail)
      .map((line) => `${line}\n`)
      .join("")
  })

/** Runs `ls`, `rm` or `du` over the instance's files, and shows their paths as they are on the machine. */
export const run = (
  record: InstanceRecord,
  words: ReadonlyArray<string>,
  writeablePath: string
): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const { homeDir } = record.machine
    const here = (word: string): string => {
      const inside = Path.posix.normalize(word)
      if (inside === "/" || inside === "/root" || inside.startsWith("/root/")) {
        return Path.join(homeDir, inside.replace(/^\/(root)?/, ""))
      }
      return inside.startsWith("/") ? Path.join(homeDir, "workspace", inside.replace(/^\/workspace/, "")) : inside
    }
    const [program = "ls", ...rest] = words
    const given = rest.map((word) => (word.startsWith("-") ? word : here(word)))
    const isOutside = given.some(
      (word) => !word.startsWith("-") && Path.relative(homeDir, Path.resolve(homeDir, word)).startsWith("..")
    )
    if (isOutside) return resume(Effect.succeed(`${program}: cannot access: No such file or directory\n`))
    ChildProcess.execFile(program, given, { cwd: homeDir }, (_error, stdout, stderr) => {
      resume(Effect.succeed(`${stdout}${stderr}`.replaceAll(homeDir, `${writeablePath}/root`)))
    })
  })
