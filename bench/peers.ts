/** The ways of others to run a command over SSH, each as its own documentation would have it. */
import { Effect, type Scope } from "effect"
import type { SshServer } from "@toehold/lab/SshServer"
import { sshArguments } from "@toehold/lab/SshServer"
import { execFile } from "node:child_process"
import * as Net from "node:net"
import { NodeSSH } from "node-ssh"
import { Client } from "ssh2"
import SSH2Promise from "ssh2-promise"

/** A peer that fails ends the bench: there is nothing to compare with. */
const failed = (error: Error | undefined, what: string): Effect.Effect<never> =>
  Effect.die(new Error(`${what}: ${error?.message ?? "failed"}`))

/** Raw ssh2 as fast as it goes: a no-delay socket from the start, and the public key as the first method. */
export const rawConnect = (server: SshServer): Effect.Effect<Client, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Client>((resume) => {
      const client = new Client()
      const socket = Net.connect({ host: server.host, port: server.port, noDelay: true })
      socket.once("connect", () => {
        client.once("ready", () => resume(Effect.succeed(client)))
        client.once("error", (error) => resume(failed(error, "ssh2")))
        client.connect({
          sock: socket,
          username: server.user,
          authHandler: (_left, _partial, next) => {
            next({ type: "publickey", username: server.user, key: server.key.privateKey })
          },
          hostVerifier: (key: Buffer) => server.hostKeys.some(({ blob }) => blob.equals(key))
        })
      })
    }),
    (client) =>
      Effect.callback<void>((resume) => {
        client.once("close", () => resume(Effect.void))
        client.end()
      })
  )

/** One command over raw ssh2, output read to its end. */
export const rawExec = (client: Client, command: string): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    client.exec(command, (error, channel) => {
      if (error) return resume(failed(error, "ssh2"))
      const chunks: Array<Buffer> = []
      channel.on("data", (chunk: Buffer) => chunks.push(chunk))
      channel.stderr.on("data", (chunk: Buffer) => chunks.push(chunk))
      channel.on("close", () => resume(Effect.succeed(Buffer.concat(chunks).toString())))
      return channel.end()
    })
  })

export const nodeSsh = (server: SshServer): Effect.Effect<NodeSSH, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() =>
      new NodeSSH().connect({
        host: server.host,
        port: server.port,
        username: server.user,
        privateKey: server.key.privateKey
      })
    ),
    (ssh) => Effect.sync(() => ssh.dispose())
  )

export const ssh2Promise = (server: SshServer): Effect.Effect<SSH2Promise, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const ssh = new SSH2Promise(
        { host: server.host, port: server.port, username: server.user, privateKey: server.key.privateKey },
        true
      )
      await ssh.connect()
      return ssh
    }),
    (ssh) => Effect.promise(() => Promise.resolve(ssh.close()))
  )

/** A program from start to end, its output read. */
export const program = (path: string, args: ReadonlyArray<string>, env?: NodeJS.ProcessEnv): Effect.Effect<string> =>
  Effect.callback<string>((resume) => {
    execFile(path, args, { env: env ?? process.env }, (error, stdout, stderr) => {
      resume(error === null ? Effect.succeed(stdout) : failed(error, `${path}: ${stderr}`))
    })
  })

/** OpenSSH started anew for each command. */
export const coldSsh = (server: SshServer, command: string): Effect.Effect<string> =>
  program("ssh", [...sshArguments(server), command])

/** Arguments for `ssh` that go through a master connection, which is there and ends with the scope. */
export const controlMaster = (server: SshServer): Effect.Effect<ReadonlyArray<string>, never, Scope.Scope> => {
  const path = `${server.tempDir}/master`
  // The key is on file for the server's own port.
  const known = [...sshArguments(server)].map((word) =>
    word.replace("StrictHostKeyChecking=yes", "StrictHostKeyChecking=no")
  )
  const through = ["-S", path, ...known]
  return Effect.acquireRelease(Effect.as(program("ssh", ["-M", "-N", "-f", ...through]), through), () =>
    Effect.ignore(program("ssh", ["-O", "exit", ...through]))
  )
}
