import { Effect, FileSystem, Option, Path, Result } from "effect"
import type { PlatformError } from "effect/PlatformError"
import * as ClientPlatform from "../../ClientPlatform.ts"
import { NotFound, PermissionDenied, SshError, make } from "../../SshError.ts"
import { invalidTarget } from "../invalidTarget.ts"
import { expandTilde } from "./expand.ts"
import { expandGlob } from "./include.ts"
import { type Complaint, findRule } from "./keyword.ts"
import { type ConfigLine, readLine } from "./line.ts"
import { evaluateMatch, type MatchContext } from "./match.ts"
import { isOwnAlone } from "./permissions.ts"
import { matchPattern, matchPatternList } from "./pattern.ts"

const maxFileBytes = 1024 * 1024
const maxFiles = 512
const maxPatterns = 2048
const maxDepth = 16

/** One reading of all files. */
export interface Pass extends MatchContext {
  wantsFinalPass: boolean
  /** Over all passes, so that files which include each other many times end. */
  readonly read: { files: number; patterns: number }
}

/** One file to read, and under which conditions. */
interface ConfigFile {
  readonly path: string
  readonly depth: number
  /** The user's own rather than the system's: decides where relative paths point. */
  readonly isUser: boolean
  readonly checksPermissions: boolean
  /** `false` inside a block that does not apply: the file is checked, and nothing in it applies. */
  readonly mayApply: boolean
}

const systemDir = (platform: ClientPlatform.Platform): string =>
  platform.os === "win32" ? `${platform.env["PROGRAMDATA"] ?? "C:\\ProgramData"}\\ssh` : "/etc/ssh"

/** Where the system keeps a file of ssh's. */
export const systemFile = (platform: ClientPlatform.Platform, name: string): string =>
  `${systemDir(platform)}${platform.os === "win32" ? "\\" : "/"}${name}`

/** Where the user keeps a file of ssh's. */
export const userFile = (platform: ClientPlatform.Platform, name: string): string =>
  `${ClientPlatform.sshDir(platform)}${platform.os === "win32" ? "\\" : "/"}${name}`

const readFailure = (path: string, error: PlatformError): SshError =>
  error.reason._tag === "NotFound"
    ? make(new NotFound({ path }))
    : error.reason._tag === "PermissionDenied"
      ? make(new PermissionDenied({ path, detail: "the configuration file can't be read" }))
      : invalidTarget({ word: path, detail: `the configuration file can't be read (${error.reason._tag})` })

/** The lines of a file; `undefined` where there is none. */
const readLines = Effect.fnUntraced(function* (
  file: ConfigFile,
  platform: ClientPlatform.Platform
): Effect.fn.Return<ReadonlyArray<string> | undefined, SshError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const { path } = file
  const info = yield* fs.stat(path).pipe(
    Effect.asSome,
    Effect.catch((error) =>
      error.reason._tag === "NotFound" ? Effect.succeedNone : Effect.fail(readFailure(path, error))
    )
  )
  if (Option.isNone(info)) return undefined
  const { size, type } = info.value
  if (file.checksPermissions && platform.uid !== undefined && !(yield* isOwnAlone(info.value, platform.uid))) {
    return yield* invalidTarget({
      word: path,
      detail: "bad owner or permissions on the configuration file: others could change it",
      hint: `Make it yours alone to write: chmod go-w ${path} (and chown it to yourself or root).`
    })
  }
  // ssh opens a folder as well and finds no lines in it.
  if (type === "Directory") return []
  if (type !== "File") return yield* invalidTarget({ word: path, detail: "the configuration is no regular file" })
  const tooLarge = invalidTarget({ word: path, detail: `the configuration file is larger than ${maxFileBytes} bytes` })
  if (size > maxFileBytes) return yield* tooLarge
  const bytes = yield* fs.readFile(path).pipe(Effect.mapError((error) => readFailure(path, error)))
  if (bytes.length > maxFileBytes) return yield* tooLarge
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
  if (text.startsWith("\ufeff")) {
    return yield* invalidTarget({
      word: path,
      detail: "the configuration file begins with a byte order mark",
      location: `${path}:1`,
      hint: "Save it as UTF-8 without BOM."
    })
  }
  return text.split("\n")
})

const complaintAt = (line: ConfigLine, { detail, hint }: Complaint): SshError =>
  invalidTarget({ word: line.keyword, detail, hint, location: line.location })

/** Whether a `Host` line names the host: one pattern has to fit, and no negated one may. */
const matchesHost = (line: ConfigLine, host: string): Result.Result<boolean, Complaint> => {
  if (line.args.includes("")) return Result.fail({ detail: "a pattern is empty" })
  const fits = (pattern: string) => matchPattern(host, pattern)
  const isRejected = line.args.some((pattern) => pattern.startsWith("!") && fits(pattern.slice(1)))
  return Result.succeed(!isRejected && line.args.some((pattern) => !pattern.startsWith("!") && fits(pattern)))
}

type Services = FileSystem.FileSystem | Path.Path

const readInclude = Effect.fnUntraced(function* (
  pass: Pass,
  file: ConfigFile,
  line: ConfigLine,
  isActive: boolean
): Effect.fn.Return<void, SshError, Services> {
  const path = yield* Path.Path
  const { platform } = pass
  for (const argument of line.args) {
    if (argument === "") return yield* complaintAt(line, { detail: "a path is empty" })
    if (++pass.read.patterns > maxPatterns) {
      return yield* complaintAt(line, { detail: `more than ${maxPatterns} paths are looked for` })
    }
    if (argument.startsWith("~") && !file.isUser) {
      return yield* complaintAt(line, { detail: "a system-wide file can't include from a home folder" })
    }
    const expanded = expandTilde(argument, platform)
    if (Result.isFailure(expanded)) return yield* complaintAt(line, { detail: expanded.failure })
    const pattern = path.isAbsolute(expanded.success)
      ? expanded.success
      : file.isUser
        ? userFile(platform, expanded.success)
        : systemFile(platform, expanded.success)
    const found = yield* expandGlob(pattern, platform.os, maxFiles).pipe(
      Effect.mapError((detail) => complaintAt(line, { detail }))
    )
    for (const included of found) {
      yield* readFile(
        pass,
        {
          path: included,
          depth: file.depth + 1,
          isUser: file.isUser,
          checksPermissions: true,
          mayApply: file.mayApply && isActive
        },
        isActive
      )
    }
  }
})

const readFile: (pass: Pass, file: ConfigFile, isActive: boolean) => Effect.Effect<boolean, SshError, Services> =
  Effect.fnUntraced(function* (pass, file, isActiveBefore) {
    const tooMany = (detail: string) => invalidTarget({ word: file.path, detail })
    if (file.depth > maxDepth) return yield* tooMany(`files include each other more than ${maxDepth} levels deep`)
    if (++pass.read.files > maxFiles) return yield* tooMany(`more than ${maxFiles} configuration files are included`)
    const lines = yield* readLines(file, pass.platform)
    if (lines === undefined) return false
    let isActive = isActiveBefore
    for (const [index, text] of lines.entries()) {
      const location = `${file.path}:${index + 1}`
      if (text.includes("\u0000")) {
        const detail = "the line holds a NUL byte"
        return yield* invalidTarget({ word: file.path, detail, location, hint: "Save the file as UTF-8 text." })
      }
      const read = readLine(text, location)
      if (Result.isFailure(read)) return yield* invalidTarget({ ...read.failure, location })
      const line = read.success
      if (line === undefined) continue
      if (line.keyword === "host") {
        const matched = matchesHost(line, pass.host)
        if (Result.isFailure(matched)) return yield* complaintAt(line, matched.failure)
        isActive = matched.success && file.mayApply
      } else if (line.keyword === "match") {
        // Where nothing may apply there is no reason to run a command.
        const context = file.mayApply ? pass : { ...pass, exec: () => Effect.succeed(false) }
        const matched = yield* evaluateMatch(line.rest, context).pipe(
          Effect.mapError((error) => (error instanceof SshError ? error : complaintAt(line, error)))
        )
        pass.wantsFinalPass ||= matched.wantsFinalPass
        isActive = matched.applies && file.mayApply
      } else if (line.keyword === "include") yield* readInclude(pass, file, line, isActive)
      else yield* applyLine(pass, line, isActive)
    }
    return true
  })

const applyLine = (pass: Pass, line: ConfigLine, isActive: boolean): Effect.Effect<void, SshError> => {
  const rule = findRule(line.keyword, pass.platform.os)
  if (rule === undefined) {
    const ignored = pass.settings.ignoreUnknown
    if (ignored !== undefined && matchPatternList(line.keyword, ignored.toLowerCase())) return Effect.void
    return Effect.fail(
      complaintAt(line, {
        detail: "ssh knows no such keyword",
        hint: "Correct it, or name it in IgnoreUnknown above this line."
      })
    )
  }
  const change = rule(line)
  if (Result.isFailure(change)) return Effect.fail(complaintAt(line, change.failure))
  return isActive ? Effect.sync(() => change.success(pass.settings)) : Effect.void
}

/**
 * Reads the files that ssh would: the one that `-F` names, which has to be there, or else the user's and the system's.
 */
export const readConfigFiles = Effect.fnUntraced(function* (
  pass: Pass,
  configFile: string | undefined
): Effect.fn.Return<void, SshError, Services> {
  const { platform } = pass
  const base = { depth: 0, mayApply: true }
  if (configFile === undefined) {
    const user = userFile(platform, "config")
    yield* readFile(pass, { ...base, path: user, isUser: true, checksPermissions: true }, true)
    const system = systemFile(platform, "ssh_config")
    yield* readFile(pass, { ...base, path: system, isUser: false, checksPermissions: false }, true)
    return
  }
  if (configFile.toLowerCase() === "none") return
  const expanded = expandTilde(configFile, platform)
  if (Result.isFailure(expanded)) return yield* invalidTarget({ word: configFile, detail: expanded.failure })
  const path = expanded.success
  const wasThere = yield* readFile(pass, { ...base, path, isUser: true, checksPermissions: false }, true)
  if (!wasThere) return yield* make(new NotFound({ path }))
})
