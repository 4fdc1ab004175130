import { Result } from "effect"
import * as PortForward from "../../PortForward.ts"
import type { SshError } from "../../SshError.ts"
import { failTarget } from "../invalidTarget.ts"
import { findRule } from "../sshConfig/keyword.ts"
import { readLine } from "../sshConfig/line.ts"
import { matchPatternList } from "../sshConfig/pattern.ts"
import { emptySettings } from "../sshConfig/settings.ts"
import { parseAddress, userFault } from "./address.ts"
import { parseJump } from "./jump.ts"
import { parsePort } from "./port.ts"

/** One `-o`, as it was written. */
export interface Option {
  readonly keyword: string
  readonly value: string
}

/** The parts of a target while they are collected. What can be given only once is kept apart from what accumulates. */
export interface Draft {
  host: string | undefined
  user: string | undefined
  port: number | undefined
  proxyJump: ReadonlyArray<string> | undefined
  configFile: string | undefined
  noCommand: boolean
  identityFiles: Array<string>
  forwards: Array<PortForward.PortForward>
  options: Array<Option>
}

export const emptyDraft = (): Draft => ({
  host: undefined,
  user: undefined,
  port: undefined,
  proxyJump: undefined,
  configFile: undefined,
  noCommand: false,
  identityFiles: [],
  forwards: [],
  options: []
})

/** What every step gives back: nothing, or why the word is refused. */
export type Step = Result.Result<void, SshError>

const controls = /[\u0000-\u001f\u007f]/

const once = <K extends "host" | "user" | "port" | "configFile">(
  draft: Draft,
  key: K,
  what: string,
  value: NonNullable<Draft[K]>
): Step => {
  const known = draft[key]
  if (known !== undefined && known !== value) {
    return failTarget(`${value}`, `${what} is given twice, first as "${known}"`, "Give it once.")
  }
  draft[key] = value
  return Result.void
}

export const addPort = (draft: Draft, text: string): Step => {
  const port = parsePort(text)
  return port === undefined ? failTarget(text, "not a port between 1 and 65535") : once(draft, "port", "the port", port)
}

export const addUser = (draft: Draft, user: string): Step => {
  const fault = userFault(user)
  return fault === undefined ? once(draft, "user", "the user", user) : failTarget(user, fault)
}

export const addHost = (draft: Draft, word: string): Step =>
  Result.gen(function* () {
    const { host, port, user } = yield* parseAddress(word)
    if (user !== undefined) yield* addUser(draft, user)
    if (port !== undefined) yield* once(draft, "port", "the port", port)
    yield* once(draft, "host", "the host", host)
  })

const pathFault = (path: string): string | undefined => {
  if (path === "") return "the file name is empty"
  return controls.test(path) ? "a file name can't hold control characters" : undefined
}

export const addIdentityFile = (draft: Draft, path: string): Step => {
  const fault = pathFault(path)
  if (fault !== undefined) return failTarget(path, fault)
  if (!draft.identityFiles.includes(path)) draft.identityFiles.push(path)
  return Result.void
}

export const addConfigFile = (draft: Draft, path: string): Step => {
  const fault = pathFault(path)
  return fault === undefined ? once(draft, "configFile", "the configuration file", path) : failTarget(path, fault)
}

export const addJump = (draft: Draft, spec: string): Step =>
  Result.match(parseJump(spec), {
    onFailure: (detail) => failTarget(spec, detail),
    onSuccess: (hops) => {
      if (draft.proxyJump !== undefined && draft.proxyJump.join() !== hops.join()) {
        return failTarget(spec, "jump hosts are given twice", "Give -J once, with commas between the hops.")
      }
      draft.proxyJump = hops
      return Result.void
    }
  })

export const addForwarding = (draft: Draft, kind: PortForward.Kind, spec: string): Step =>
  Result.map(PortForward.parse(kind, spec), (forward) => {
    draft.forwards.push(forward)
  })

const maxOptions = 1000

const isIgnored = (draft: Draft, keyword: string): boolean => {
  const ignored = draft.options.find((option) => option.keyword === "ignoreunknown")
  return ignored !== undefined && matchPatternList(keyword, ignored.value.toLowerCase())
}

/** Takes one `-o`. What has a field of its own goes there; the rest is checked and kept as it is written. */
export const addOption = (draft: Draft, text: string, os: string): Step =>
  Result.gen(function* () {
    // A tab may stand between keyword and value.
    if (controls.test(text.replaceAll("\t", " "))) {
      return yield* failTarget(text, "an option can't hold control characters")
    }
    const read = readLine(text, undefined)
    if (Result.isFailure(read)) return yield* failTarget(read.failure.word, read.failure.detail)
    const line = read.success
    if (line === undefined) return yield* failTarget(text, "an option is written Key=Value")
    const name = text.trimStart().slice(0, line.keyword.length)
    if (line.keyword === "host" || line.keyword === "match" || line.keyword === "include") {
      return yield* failTarget(name, "it can stand in a configuration file only")
    }
    const rule = findRule(line.keyword, os)
    if (rule === undefined) {
      if (isIgnored(draft, line.keyword)) return
      return yield* failTarget(name, "ssh has no such option", "See ssh_config(5) for the options there are.")
    }
    const applied = rule(line)
    if (Result.isFailure(applied)) return yield* failTarget(name, applied.failure.detail, applied.failure.hint)
    const settings = emptySettings()
    applied.success(settings)
    for (const refusal of settings.refusals.values()) {
      if (refusal !== undefined) return yield* failTarget(name, refusal.detail, refusal.hint)
    }
    if (settings.port !== undefined) return yield* once(draft, "port", "the port", settings.port)
    if (settings.user !== undefined) return yield* addUser(draft, settings.user)
    if (settings.proxyJump !== undefined) return yield* addJump(draft, settings.proxyJump.join() || "none")
    if (settings.sessionType === "none") draft.noCommand = true
    else if (settings.identityFiles[0] !== undefined) yield* addIdentityFile(draft, settings.identityFiles[0])
    else if (settings.forwards[0] !== undefined) draft.forwards.push(settings.forwards[0])
    else if (draft.options.length === maxOptions) return yield* failTarget(name, `more than ${maxOptions} options`)
    else draft.options.push({ keyword: line.keyword, value: line.rest.trim() })
  })
