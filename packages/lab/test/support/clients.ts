/** Clients that are not Toehold's own, to look at the servers with. */
import { Effect, Stream } from "effect"
import { ChildProcess } from "effect/process"
import * as Net from "node:net"
import { Client, type ConnectConfig } from "ssh2"
import { type SshServer, sshArguments } from "@toehold/lab/SshServer"

/** Runs a command through the real `ssh` client. */
export const ssh = Effect.fnUntraced(function* (server: SshServer, ...command: ReadonlyArray<string>) {
  const handle = yield* ChildProcess.make("ssh", [...sshArguments(server), ...command], { stdin: "ignore" })
  const [stdout, stderr, exitCode] = yield* Effect.all(
    [
      Stream.mkString(Stream.decodeText(handle.stdout)),
      Stream.mkString(Stream.decodeText(handle.stderr)),
      handle.exitCode
    ],
    { concurrency: "unbounded" }
  )
  return { stdout, stderr, exitCode: Number(exitCode) }
}, Effect.scoped)

/** Whether nobody listens on the port. */
export const refuses = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = Net.connect(port, "127.0.0.1")
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(false))
    })
    socket.once("error", () => resume(Effect.succeed(true)))
  })

/** What a command prints over a connection of the raw ssh2 client; the message of the error where it fails. */
export const withClient = (server: SshServer, config: ConnectConfig, command: string) =>
  Effect.callback<string>((resume) => {
    const client = new Client()
    client.on("error", (error) => resume(Effect.succeed(error.message)))
    client.once("ready", () =>
      client.exec(command, (error, channel) => {
        if (error !== undefined) return resume(Effect.succeed(error.message))
        let output = ""
        channel.on("data", (chunk: Buffer) => (output += chunk.toString()))
        channel.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
        channel.once("close", () => resume(Effect.succeed(output)))
      })
    )
    client.connect({ host: server.host, port: server.port, username: server.user, ...config })
    return Effect.sync(() => client.end())
  })
