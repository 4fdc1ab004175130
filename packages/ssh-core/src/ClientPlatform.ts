/**
 * The client's side of the world: which operating system this program runs on, whose home it is, and its environment.
 * Everything that differs between Linux, macOS and Windows asks here, so that all three can be tested on any of them.
 *
 * @since 0.1.0
 */
import { Context, Effect, Layer } from "effect"
import * as Os from "node:os"

/**
 * What the client's platform looks like.
 *
 * @since 0.1.0
 * @category models
 */
export interface Platform {
  /** `process.platform`: `linux`, `darwin`, `win32`, … */
  readonly os: string
  /** Home folder: `$HOME`, or `%USERPROFILE%` on Windows. */
  readonly homeDir: string
  /** Login name of the person who runs this program, without a domain. */
  readonly userName: string
  /** Name of this machine. */
  readonly hostName: string
  /** Numeric user id; `undefined` where there is none (Windows). */
  readonly uid: number | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The service that holds the {@link Platform}.
 *
 * @since 0.1.0
 * @category services
 */
export class ClientPlatform extends Context.Service<ClientPlatform, Platform>()("@toehold/ssh-core/ClientPlatform") {}

/**
 * The platform of this process.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<ClientPlatform> = Layer.effect(
  ClientPlatform,
  Effect.sync(() => {
    const env = process.env
    const home = process.platform === "win32" ? env["USERPROFILE"] : env["HOME"]
    // A container may run under a uid that has no passwd entry, where userInfo() throws.
    const named = env["USER"] ?? env["LOGNAME"] ?? env["USERNAME"]
    return {
      os: process.platform,
      homeDir: home ?? Os.homedir(),
      userName: named ?? Os.userInfo().username,
      hostName: Os.hostname(),
      uid: process.getuid?.(),
      env
    }
  })
)

/**
 * A platform made up for a test or for a caller that knows better: what is not given is taken from a bare Linux.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerOf = (platform: Partial<Platform>): Layer.Layer<ClientPlatform> =>
  Layer.succeed(ClientPlatform, {
    os: "linux",
    homeDir: platform.os === "win32" ? "C:\\Users\\me" : "/home/me",
    userName: "me",
    hostName: "client",
    uid: platform.os === "win32" ? undefined : 1000,
    env: {},
    ...platform
  })

/**
 * The folder that holds the user's SSH files: `~/.ssh` everywhere, with the separators of the platform.
 *
 * @since 0.1.0
 * @category accessors
 */
export const sshDir = (platform: Platform): string =>
  platform.os === "win32" ? `${platform.homeDir}\\.ssh` : `${platform.homeDir}/.ssh`
