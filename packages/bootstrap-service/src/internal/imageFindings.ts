/** Each thing that a session needs of its image, and how to see whether it is there. */
import { Effect, Option, type PlatformError } from "effect"
import type { Finding } from "./imageFinding.ts"
import type { ImageFiles } from "./imageFiles.ts"

type Look<A = Finding> = Effect.Effect<A, PlatformError.PlatformError>

const folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

interface Account {
  readonly name: string
  readonly uid: string
  readonly home: string
  readonly shell: string
}

const agentOf = (passwd: string): Account | undefined => {
  const line = passwd.split("\n").find((found) => found.startsWith("agent:"))
  const [name = "", , uid = "", , , home = "", shell = ""] = line?.split(":") ?? []
  return line === undefined ? undefined : { name, uid, home, shell }
}

const ok = (name: Finding["name"], detail: string): Finding => ({
  name,
  state: "ok",
  detail: detail.slice(0, 300),
  fix: ""
})

const program = (
  files: ImageFiles,
  name: Finding["name"],
  state: "missing" | "advised",
  programs: ReadonlyArray<string>,
  where: ReadonlyArray<string>,
  fix: string
): Look =>
  Effect.gen(function* () {
    for (const wanted of programs) {
      const found = yield* files.program(wanted, where)
      if (Option.isSome(found)) return ok(name, found.value)
    }
    const finding: Finding = { name, state, detail: `there is no ${programs.join(" or ")}`, fix }
    return finding
  })

const account = (files: ImageFiles, agent: Account | undefined): Look =>
  Effect.gen(function* () {
    const fix = "useradd --create-home --uid 1000 --shell /bin/bash agent"
    const missing = (detail: string): Finding => ({ name: "account", state: "missing", detail, fix })
    if (agent === undefined) return missing("there is no account agent in /etc/passwd")
    if (/\/(?:nologin|false)$/.test(agent.shell)) return missing(`agent's shell is ${agent.shell.slice(0, 100)}`)
    if (!agent.home.startsWith("/")) return missing("agent has no home folder in /etc/passwd")
    const home = yield* files.kind(agent.home)
    return home === "folder" || home === "unreadable"
      ? ok("account", `agent (uid ${agent.uid}) at ${agent.home}`)
      : missing(`agent's home folder ${agent.home.slice(0, 200)} is not there`)
  })

/** sudoers(5), as far as images have it: the account or all, anything without a password. */
const mayAll = /^[ \t]*(?:agent|ALL|%sudo|%wheel|%agent)[ \t]+ALL[ \t]*=[^\n]{0,100}NOPASSWD:[ \t]*ALL/m

const sudo = (files: ImageFiles): Look =>
  Effect.gen(function* () {
    const found = yield* files.program("sudo", folders)
    const fix =
      "install sudo, and: echo 'agent ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/agent; chmod 440 /etc/sudoers.d/agent"
    if (Option.isNone(found)) {
      const finding: Finding = { name: "sudo", state: "missing", detail: "there is no sudo", fix }
      return finding
    }
    const names = yield* files.names("/etc/sudoers.d")
    const paths = ["/etc/sudoers", ...(typeof names === "string" ? [] : names.map((name) => `/etc/sudoers.d/${name}`))]
    let isHidden = names === "unreadable"
    for (const path of paths.slice(0, 50)) {
      const file = yield* files.text(path)
      if (typeof file === "object" && mayAll.test(file.text)) return ok("sudo", `without a password, by ${path}`)
      isHidden ||= file === "unreadable"
    }
    const finding: Finding = isHidden
      ? { name: "sudo", state: "unknown", detail: "only root may read /etc/sudoers", fix: "Look with: sudo -n true" }
      : { name: "sudo", state: "missing", detail: "agent can't run sudo without a password", fix }
    return finding
  })

const dropIns = [
  "/etc/systemd/system/serial-getty@ttyS0.service.d",
  "/usr/lib/systemd/system/serial-getty@ttyS0.service.d",
  "/etc/systemd/system/serial-getty@.service.d",
  "/usr/lib/systemd/system/serial-getty@.service.d"
]

const logsIn = /^[ \t]*ExecStart=[^\n]{0,200}(?:--autologin|-a)[= \t]+(agent|root)\b/m

/** The line of BusyBox's init: a shell on the console, with or without a question. */
const inittab = /^ttyS0::(?:respawn|askfirst):[^\n]{0,100}(?:sh|--autologin|-l)/m

const autologin = (files: ImageFiles): Look =>
  Effect.gen(function* () {
    for (const folder of dropIns) {
      const names = yield* files.names(folder)
      if (typeof names === "string") continue
      for (const name of names.filter((found) => found.endsWith(".conf")).slice(0, 20)) {
        const file = yield* files.text(`${folder}/${name}`)
        const [, user] = (typeof file === "object" && logsIn.exec(file.text)) || []
        if (user !== undefined) return ok("autologin", `${user}, by ${folder}/${name}`)
      }
    }
    const init = yield* files.text("/etc/inittab")
    if (typeof init === "object" && inittab.test(init.text)) return ok("autologin", "a shell, by /etc/inittab")
    const finding: Finding = {
      name: "autologin",
      state: "missing",
      detail: "nobody is logged in on ttyS0",
      fix: "put agent-image/serial-getty@ttyS0.service.d/autologin.conf into /etc/systemd/system/serial-getty@ttyS0.service.d/"
    }
    return finding
  })

const certificates = (files: ImageFiles): Look =>
  Effect.gen(function* () {
    for (const path of [
      "/etc/ssl/certs/ca-certificates.crt",
      "/etc/pki/tls/certs/ca-bundle.crt",
      "/etc/ssl/cert.pem"
    ]) {
      const kind = yield* files.kind(path)
      if (kind === "file" || kind === "program") return ok("certificates", path)
    }
    const finding: Finding = {
      name: "certificates",
      state: "missing",
      detail: "no certificate authority is known, so no https URL works",
      fix: "install ca-certificates"
    }
    return finding
  })

const unit = (files: ImageFiles, home: string): Look =>
  Effect.gen(function* () {
    const places = ["/etc/systemd/user", "/usr/lib/systemd/user", "/lib/systemd/user", `${home}/.config/systemd/user`]
    for (const folder of places) {
      const kind = yield* files.kind(`${folder}/opencode@.service`)
      if (kind === "file" || kind === "program") return ok("unit", `${folder}/opencode@.service`)
    }
    const finding: Finding = {
      name: "unit",
      state: "advised",
      detail:
        "there is no user unit opencode@.service; OpenCode is started without systemd, and not again when it ends",
      fix: "put agent-image/opencode@.service into /etc/systemd/user/"
    }
    return finding
  })

const linger = (files: ImageFiles): Look =>
  Effect.map(files.kind("/var/lib/systemd/linger/agent"), (kind) =>
    kind === "file" || kind === "program"
      ? ok("linger", "agent's units run while nobody is logged in")
      : {
          name: "linger",
          state: "advised",
          detail: "agent's units end when nobody is logged in",
          fix: "mkdir -p /var/lib/systemd/linger; touch /var/lib/systemd/linger/agent"
        }
  )

/** All there is to say of an image. */
export const all = (files: ImageFiles): Look<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const passwd = yield* files.text("/etc/passwd")
    const agent = typeof passwd === "object" ? agentOf(passwd.text) : undefined
    const home = agent?.home.startsWith("/") === true ? agent.home : "/home/agent"
    const own = [...folders, `${home}/.opencode/bin`, `${home}/.local/bin`, `${home}/.bun/bin`]
    return yield* Effect.all([
      program(files, "shell", "missing", ["sh"], ["/bin"], "install a POSIX shell as /bin/sh"),
      account(files, agent),
      sudo(files),
      autologin(files),
      program(files, "git", "missing", ["git"], folders, "install git"),
      program(files, "network", "missing", ["ip", "busybox", "ifconfig"], folders, "install iproute2"),
      certificates(files),
      program(files, "setsid", "missing", ["setsid", "busybox", "perl", "python3"], folders, "install util-linux"),
      program(files, "opencode", "missing", ["opencode"], own, "npm install --global opencode-ai"),
      unit(files, home),
      linger(files)
    ])
  })
