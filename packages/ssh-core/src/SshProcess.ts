/**
 * Processes on a machine that is reached over SSH, as Effect's own service: a program that was written for local processes
 * runs there unchanged.
 *
 * Every process is a session of its own, started by the machine's `/bin/sh`, which it replaces: its process id and its exit
 * status are the process's own, and its group is ended as that of a local one is, by the end of its scope. When the client
 * dies or the connection is lost the machine ends it too. A pipeline passes through this side, as a local one does.
 *
 * **Gotchas**
 *
 * Fails with `BadArgument` for what no other machine can do: `inherit`, a duplex file descriptor, one past 9, and
 * variables that a POSIX shell has no name for. Arguments and variables of a megabyte and more in all fail as exit 126 or
 * 127, not as a defect.
 *
 * @since 0.1.0
 */
import { Effect, Layer, type PlatformError } from "effect"
import { ChildProcessSpawner } from "effect/process"
import * as ProcessSpawner from "@toehold/shell/ProcessSpawner"
import * as SshClient from "./SshClient.ts"
import type * as SshError from "./SshError.ts"

const tagOf = ({ reason }: SshError.SshError): PlatformError.SystemErrorTag | "BadArgument" => {
  switch (reason._tag) {
    case "NotFound":
    case "PermissionDenied":
      return reason._tag
    case "InvalidArgument":
      return "BadArgument"
    case "FileFailed":
      return "BadResource"
    case "ChannelRefused":
      return reason.busy ? "Busy" : "Unknown"
    case "CommandTimeout":
    case "IdleTimeout":
    case "ConnectTimeout":
      return "TimedOut"
    default:
      return "Unknown"
  }
}

/**
 * Processes on the machine that the connection leads to.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<ChildProcessSpawner.ChildProcessSpawner["Service"], never, SshClient.SshClient> =
  Effect.map(SshClient.SshClient, (client) => fromClient(client))

/**
 * Processes over a connection, or over whatever else starts them as one does.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromClient = (
  client: SshClient.SshClient["Service"]
): ChildProcessSpawner.ChildProcessSpawner["Service"] => ProcessSpawner.make({ spawn: client.spawn, tagOf })

/**
 * Processes on the machine that the connection leads to, as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<ChildProcessSpawner.ChildProcessSpawner, never, SshClient.SshClient> = Layer.effect(
  ChildProcessSpawner.ChildProcessSpawner,
  make
)
