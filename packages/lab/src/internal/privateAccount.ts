/** Puts an account into a mount namespace of the server's own; see Account.ts. */
import { Effect, FileSystem, Path, Redacted, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Crypto from "node:crypto"
import type { Account } from "../Account.ts"
import { LabError } from "../LabError.ts"
import * as LoginShell from "../LoginShell.ts"
import * as RealPart from "../RealPart.ts"
import { currentUser } from "./currentUser.ts"

type Command = readonly [program: string, ...args: ReadonlyArray<string>]

export interface PrivateAccount {
  readonly user: string
  readonly homeDir: string
  /** `false` where the machine's own account is used: then only `$HOME` can be made to lead to the home folder. */
  readonly isPrivate: boolean
  /** The command line that runs the given one where the account exists. */
  readonly enter: (command: Command) => Command
  /** Writes a file into the account's home, owned by it, in mode 0600. */
  readonly writeHomeFile: (path: string, content: string) => Effect.Effect<void, LabError>
}

const pamSudo = [
  "auth required pam_unix.so nodelay",
  "account required pam_unix.so",
  "session optional pam_unix.so",
  ""
]

const pamService = ["auth required pam_unix.so", "account required pam_unix.so", "password required pam_unix.so", ""]

// $0 is the folder of the copies. A folder can only be made in the root by having a root of one's own. A file that this machine doesn't have can't be covered and isn't needed, and one that
// is not among the copies stays what it is.
const bindAndRun = `
for name in passwd shadow group shells sudoers pam.d/sshd pam.d/sudo; do
  [ ! -e "/etc/$name" ] || [ ! -e "$0/$name" ] || mount --bind "$0/$name" "/etc/$name" || exit 1
done
if [ -e "$0/mounts" ]; then
  PATH=$PATH:/usr/sbin:/sbin
  mount -t tmpfs -o mode=755 lab /mnt || exit 1
  for entry in /* /.[!.]*; do
    case $entry in /mnt) continue ;; esac
    if [ -L "$entry" ]; then
      ln -s "$(readlink "$entry")" "/mnt$entry"
    elif [ -d "$entry" ]; then
      mkdir "/mnt$entry" && mount --rbind "$entry" "/mnt$entry"
    elif [ -e "$entry" ]; then
      : >"/mnt$entry" && mount --bind "$entry" "/mnt$entry"
    fi || exit 1
  done
  while read -r target source; do
    mkdir -p "/mnt$target" && mount --bind "$source" "/mnt$target" || exit 1
  done <"$0/mounts"
  mkdir -p /mnt/mnt && cd /mnt && pivot_root . mnt && cd / && umount -l /mnt || exit 1
fi
exec "$@"`

/** The kernel kills the server with the process that started it, where that is killed before it can close its scopes. */
const tether = (command: Command): Command => {
  const setpriv = RealPart.find("setpriv")
  return setpriv === undefined ? command : [setpriv, "--pdeathsig", "KILL", ...command]
}

const withEntry = (text: string, name: string, entry: string): string =>
  [entry, ...text.split("\n").filter((line) => line !== "" && !line.startsWith(`${name}:`)), ""].join("\n")

/** crypt(3) in the form `$6$`, by perl: Debian always has it, and Node has no crypt. */
const hashPassword = Effect.fnUntraced(function* (password: Redacted.Redacted) {
  const salt = Crypto.randomBytes(8).toString("hex")
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  return yield* spawner.string(
    ChildProcess.make("perl", ["-e", `print crypt(<STDIN>, '$6$${salt}$')`], {
      stdin: Stream.make(Redacted.value(password)).pipe(Stream.encodeText)
    })
  )
})

export const make = Effect.fnUntraced(
  function* (account: Account, dir: string) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const current = currentUser()
    const unshare = RealPart.find("private-accounts")
    const uid = account.uid ?? current.uid
    const user = account.user ?? (uid === current.uid ? current.username : `lab-${uid}`)
    const gid = account.uid ?? current.gid

    if (
      unshare === undefined &&
      Object.keys(account).some((option) => option !== "homeFiles" && option !== "homeDir")
    ) {
      return yield* new LabError({ message: "Accounts of their own need root or user namespaces (unshare --mount)" })
    }
    if (uid !== current.uid && current.uid !== 0) {
      return yield* new LabError({ message: `Only root can start a server for another user id (${uid})` })
    }

    const homeDir = account.homeDir ?? path.join(dir, "home")
    const owned = (target: string) => (current.uid === 0 ? fs.chown(target, uid, gid) : Effect.void)
    const writeHomeFile = (relative: string, content: string) =>
      Effect.gen(function* () {
        const folders = relative.split("/").slice(0, -1)
        for (const [index] of folders.entries()) {
          const folder = path.join(homeDir, ...folders.slice(0, index + 1))
          yield* fs.makeDirectory(folder, { recursive: true, mode: 0o700 })
          yield* owned(folder)
        }
        const file = path.join(homeDir, relative)
        yield* fs.writeFileString(file, content, { mode: 0o600 })
        yield* owned(file)
      }).pipe(
        Effect.mapError((cause) => new LabError({ message: `Could not write ${relative} into the home folder`, cause }))
      )

    // The account's own uid must be able to walk to its home and to its shell.
    yield* fs.chmod(dir, 0o755)
    yield* fs.makeDirectory(homeDir, { mode: 0o755, recursive: true })
    yield* owned(homeDir)
    for (const [relative, content] of Object.entries(account.homeFiles ?? {})) yield* writeHomeFile(relative, content)

    if (unshare === undefined) return { user, homeDir, isPrivate: false, enter: tether, writeHomeFile }

    const etc = path.join(dir, "etc")
    yield* fs.makeDirectory(path.join(etc, "pam.d"), { recursive: true })
    const shell = yield* LoginShell.resolve(account.loginShell ?? "sh", dir)
    const passwd = yield* fs.readFileString("/etc/passwd")
    const group = yield* fs.readFileString("/etc/group")
    const hash = account.password === undefined ? "*" : yield* hashPassword(account.password)
    const lastChange = account.passwordExpired === true ? "0" : "19000"
    const expires = account.expired === true ? "1" : ""
    const mounts = Object.entries(account.mounts ?? {})
    const copies = {
      passwd: withEntry(passwd, user, `${user}:x:${uid}:${gid}:lab:${homeDir}:${shell}`),
      group: new RegExp(`^[^:]*:[^:]*:${gid}:`, "m").test(group) ? group : withEntry(group, user, `${user}:x:${gid}:`),
      shadow: `${user}:${hash}:${lastChange}:0:99999:7::${expires}:\n`,
      shells: `${shell}\n/bin/sh\n`,
      "pam.d/sshd": pamService.join("\n"),
      ...(mounts.length === 0 ? {} : { mounts: mounts.map((pair) => `${pair.join(" ")}\n`).join("") }),
      ...(account.sudo === undefined
        ? {}
        : { sudoers: `${account.sudo.join("\n")}\n`, "pam.d/sudo": pamSudo.join("\n") })
    }
    for (const [name, content] of Object.entries(copies)) {
      yield* fs.writeFileString(path.join(etc, name), content, {
        mode: name === "shadow" ? 0o600 : name === "sudoers" ? 0o440 : 0o644
      })
    }
    const back = current.uid === 0 ? [] : [unshare, "--user", `--map-user=${uid}`, `--map-group=${gid}`]
    return {
      user,
      homeDir,
      isPrivate: true,
      enter: (command: Command): Command => [
        unshare,
        ...RealPart.namespaceArguments,
        "/bin/sh",
        "-c",
        bindAndRun,
        etc,
        ...back,
        ...tether(command)
      ],
      writeHomeFile
    }
  },
  (effect) =>
    Effect.catchTag(effect, "PlatformError", (cause) =>
      Effect.fail(new LabError({ message: "Could not make the account", cause }))
    )
)
