/** The first comment lines of a recipe. */
import { Result } from "effect"
import { maxScript } from "../provision/work.ts"
import type { Parameter, Recipe } from "./model.ts"

const fieldLine = /^# ?([a-z-]{1,24}): ?(.{0,2000})$/
const named = /^[a-z0-9][a-z0-9-]{0,29}$/
const variable = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

type Read<A> = Result.Result<A, string>

const portOf = (field: string, text: string | undefined): Read<number | undefined> => {
  if (text === undefined) return Result.succeed(undefined)
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65535 ? Result.succeed(port) : Result.fail(`its ${field} "${text}" is no port`)
}

const parameterOf = (text: string, isOptional: boolean): Read<Parameter> => {
  const [name = "", ...words] = text.trim().split(/\s+/)
  return variable.test(name)
    ? Result.succeed({ name, summary: words.join(" "), isOptional })
    : Result.fail(`"${name}" is no name of a variable`)
}

export const parseRecipe = (text: string, source: string): Read<Recipe> =>
  Result.gen(function* () {
    if (text.length > maxScript) return yield* Result.fail(`it is larger than ${maxScript} bytes`)
    if (text.includes("\0")) return yield* Result.fail("it holds a NUL")
    const lines = text.replaceAll("\r\n", "\n").split("\n")
    const shebang = /^#! ?\S*\/(?:env )?(sh|bash|dash)\b/.exec(lines[0] ?? "")?.[1]
    if (shebang === undefined) return yield* Result.fail("its first line is neither #!/bin/sh nor #!/bin/bash")
    const fields = new Map<string, string>()
    const secrets: Array<Parameter> = []
    const args: Array<Parameter> = []
    for (const line of lines.slice(1)) {
      if (!line.startsWith("#")) break
      const match = fieldLine.exec(line)
      if (match === null) continue
      const [, field = "", value = ""] = match
      switch (field) {
        case "secret":
        case "optional-secret":
          secrets.push(yield* parameterOf(value, field === "optional-secret"))
          break
        case "argument":
        case "optional-argument":
          args.push(yield* parameterOf(value, field === "optional-argument"))
          break
        default:
          if (!fields.has(field)) fields.set(field, value.trim())
      }
    }
    const name = fields.get("recipe") ?? ""
    if (!named.test(name)) return yield* Result.fail(`its name "${name}" is not small letters, digits and -`)
    const version = fields.get("version") ?? ""
    if (!/^[0-9][0-9A-Za-z.]{0,11}$/.test(version)) return yield* Result.fail(`its version "${version}" is none`)
    const start = fields.get("start")
    const port = yield* portOf("port", fields.get("port"))
    if (start !== undefined && port === undefined) return yield* Result.fail("it starts a service and names no port")
    return {
      name,
      version,
      summary: fields.get("summary") ?? "",
      secrets,
      arguments: args,
      interpreter: shebang === "bash" ? ("bash" as const) : ("sh" as const),
      script: lines.join("\n"),
      start,
      port,
      forward: yield* portOf("forward", fields.get("forward")),
      source
    }
  })
