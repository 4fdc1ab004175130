/** Where the program keeps what is its own. */
import { Effect, Path } from "effect"
import { ClientPlatform, type Platform } from "@toehold/ssh-core/ClientPlatform"

/** What is kept, and what the user writes. */
export type Kind = "state" | "config"

const xdg: Readonly<Record<Kind, readonly [variable: string, fallback: ReadonlyArray<string>]>> = {
  state: ["XDG_STATE_HOME", [".local", "state"]],
  config: ["XDG_CONFIG_HOME", [".config"]]
}

const baseOf = ({ env, homeDir, os }: Platform, kind: Kind, path: Path.Path): string => {
  const local = env["LOCALAPPDATA"]
  if (os === "win32") return path.join(local ?? path.join(homeDir, "AppData", "Local"), "toehold")
  const [variable, fallback] = xdg[kind]
  const given = env[variable]
  // The specification: a path that is not absolute counts as none.
  return path.join(given?.startsWith("/") === true ? given : path.join(homeDir, ...fallback), "toehold")
}

/** `TOEHOLD_HOME`, else the system's usual place. */
export const stateFolder = (kind: Kind): Effect.Effect<string, never, ClientPlatform | Path.Path> =>
  Effect.gen(function* () {
    const platform = yield* ClientPlatform
    const path = yield* Path.Path
    const home = platform.env["TOEHOLD_HOME"]
    return home === undefined || home === "" ? baseOf(platform, kind, path) : home
  })
