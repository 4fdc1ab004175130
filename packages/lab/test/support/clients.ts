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

type Place = Pick<SshServer, "host" | "port" | "user">

const socketTo = (server: Place): Net.Socket => Net.connect({ host: server.host, port: server.port, noDelay: true })

/** What a command prints over a connection of the raw ssh2 client; the message of the error where it fails. */
export const withClient = (
  server: Place,
  config: ConnectConfig,
  command: string,
  prepare: (client: Client) => unknown = () => {}
) =>
  Effect.callback<string>((resume) => {
    const client = new Client()
    prepare(client)
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
    client.connect({ sock: socketTo(server), username: server.user, ...config })
    return Effect.sync(() => client.end())
  })

/** What becomes of a connection of the raw ssh2 client: `ready`, or the message of its error or end. */
export const connects = (server: Place, config: ConnectConfig, prepare: (client: Client) => void = () => {}) =>
  Effect.callback<string>((resume) => {
    const client = new Client()
    prepare(client)
    client.once("ready", () => resume(Effect.succeed("ready")))
    client.on("error", (error) => resume(Effect.succeed(error.message)))
    client.once("close", () => resume(Effect.succeed("closed")))
    client.connect({ sock: socketTo(server), username: server.user, ...config })
    return Effect.sync(() => client.end())
  })

/** A raw ssh2 client that has logged in with the server's key, for as long as the scope is open. */
export const client = (server: SshServer) =>
  Effect.acquireRelease(
    Effect.callback<Client>((resume) => {
      const client = new Client()
      client.on("error", (error) => resume(Effect.die(error)))
      client.once("ready", () => resume(Effect.succeed(client)))
      client.connect({ sock: socketTo(server), username: server.user, privateKey: server.key.privateKey })
    }),
    (client) => Effect.sync(() => client.destroy())
  )

export interface Ran {
  readonly stdout: Buffer
  readonly stderr: Buffer
  readonly code: number | null | undefined
  readonly signal: string | undefined
  /** What came, in its order. */
  readonly order: ReadonlyArray<"stdout" | "stderr" | "exit" | "close">
}

/** Runs a command; `undefined` where its request is refused. */
export const run = (client: Client, command: string, input = "") =>
  Effect.callback<Ran | undefined>((resume) => {
    client.exec(command, (error, channel) => {
      if (error !== undefined) return resume(Effect.undefined)
      const [stdout, stderr]: [Array<Buffer>, Array<Buffer>] = [[], []]
      const order: Array<Ran["order"][number]> = []
      let [code, signal]: [Ran["code"], Ran["signal"]] = [undefined, undefined]
      channel.on("data", (chunk: Buffer) => order.push("stdout") && stdout.push(chunk))
      channel.stderr.on("data", (chunk: Buffer) => order.push("stderr") && stderr.push(chunk))
      channel.on("exit", (given: number | null, name?: string) => {
        order.push("exit")
        code = given
        signal = name
      })
      channel.on("close", () => {
        order.push("close")
        resume(Effect.succeed({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr), code, signal, order }))
      })
      channel.end(input)
    })
  })
