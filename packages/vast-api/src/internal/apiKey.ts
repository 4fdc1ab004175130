import { Config, Effect, FileSystem, Redacted } from "effect"
import * as VastError from "../VastError.ts"

const maxLength = 4096

const variable = (name: string) => Config.String(name).pipe(Config.withDefault(""))

/** The key from the environment, else from the first of the official client's files that holds one. */
export const findKey = Effect.gen(function* () {
  const given = (yield* variable("VAST_API_KEY")).trim()
  if (given !== "") return Redacted.make(given)
  const files = yield* FileSystem.FileSystem
  const home = (yield* variable("HOME")) || (yield* variable("USERPROFILE"))
  const config = (yield* variable("XDG_CONFIG_HOME")) || (home === "" ? "" : `${home}/.config`)
  const searched = [
    ...(config === "" ? [] : [`${config}/vastai/vast_api_key`]),
    ...(home === "" ? [] : [`${home}/.vast_api_key`])
  ]
  for (const path of searched) {
    const found = yield* files.stat(path).pipe(
      Effect.flatMap(({ size, type }) =>
        type === "File" && size <= maxLength ? files.readFileString(path) : Effect.succeed("")
      ),
      // A file that can't be read holds no key, as far as this client can tell.
      Effect.orElseSucceed(() => "")
    )
    const key = found.trim()
    // It goes into a header, which a line break would end.
    if (/^[\x21-\x7e]+$/.test(key)) return Redacted.make(key)
  }
  return yield* VastError.make(new VastError.KeyMissing({ searched }))
})
