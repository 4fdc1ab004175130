/**
 * The real programs that tests run against: where they are on this machine, and what to do where they are missing.
 *
 * A suite that needs one is declared with {@link describeWith}. Where the part is missing the suite is skipped, and the
 * test command ends by naming it with the line that would enable it; with `REQUIRE_REAL=1` it fails instead.
 *
 * @since 0.1.0
 */
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { describe, it } from "vitest"

/**
 * A program that some tests need.
 *
 * @since 0.1.0
 * @category models
 */
export interface RealPart {
  readonly name: string
  /** Names to look for, best first: on `PATH`, then in the folders where a user's `PATH` often doesn't reach. */
  readonly programs: ReadonlyArray<string>
  /** What the tests use it for, in a few words. */
  readonly purpose: string
  /** Debian package that brings it. */
  readonly debianPackage: string
  /** Arguments that the program must exit 0 with for the part to count as there. */
  readonly check?: ReadonlyArray<string>
  /** What to do where it is missing, for a part that no package brings. */
  readonly remedy?: string
}

/**
 * What makes `unshare` give a program mounts of its own: root may do it right away, others in a user namespace.
 *
 * @since 0.1.0
 * @category constants
 */
export const namespaceArguments: ReadonlyArray<string> = [
  ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
  "--mount",
  "--propagation",
  "private"
]

/**
 * Every part there is, by the name that tests use.
 *
 * @since 0.1.0
 * @category constants
 */
export const parts = {
  ssh: part("ssh", ["ssh"], "the oracle for configuration files", "openssh-client"),
  "ssh-keygen": part("ssh-keygen", ["ssh-keygen"], "the oracle for keys and known_hosts", "openssh-client"),
  "ssh-agent": part("ssh-agent", ["ssh-agent"], "a real agent to sign with", "openssh-client"),
  sshd: part("sshd", ["sshd"], "a real OpenSSH server", "openssh-server"),
  // Where Debian's dropbear looks for it.
  "sftp-server": part("sftp-server", ["/usr/lib/sftp-server"], "SFTP under dropbear", "openssh-sftp-server"),
  dropbear: part("dropbear", ["dropbear"], "a real dropbear server", "dropbear-bin"),
  dropbearconvert: part("dropbearconvert", ["dropbearconvert"], "host keys for dropbear", "dropbear-bin"),
  puttygen: part("puttygen", ["puttygen"], "the oracle for .ppk keys", "putty-tools"),
  curl: part("curl", ["curl"], "the oracle for SOCKS proxies", "curl"),
  dash: part("dash", ["dash"], "a login shell", "dash"),
  openssl: part("openssl", ["openssl"], "the oracle for PKCS#8 keys", "openssl"),
  bash: part("bash", ["bash"], "a login shell", "bash"),
  fish: part("fish", ["fish"], "a login shell", "fish"),
  csh: part("csh", ["tcsh", "csh"], "a login shell", "tcsh"),
  sudo: part("sudo", ["sudo"], "commands as root for another user", "sudo"),
  tmux: part("tmux", ["tmux"], "terminal sessions that outlive a connection", "tmux"),
  screen: part("screen", ["screen"], "terminal sessions where there is no tmux", "screen"),
  supervisord: part("supervisord", ["supervisord"], "a real supervisor that keeps services", "supervisor"),
  git: part("git", ["git"], "repositories to clone", "git"),
  "python-venv": {
    ...part("python-venv", ["/usr/bin/python3", "python3"], "environments for Python programs", "python3-venv"),
    check: ["-c", "import venv, ensurepip"]
  },
  perl: part("perl", ["perl"], "sessions on a machine without util-linux", "perl-base"),
  busybox: part("busybox", ["busybox"], "BusyBox ash as a login shell", "busybox-static"),
  "private-accounts": {
    ...part("private-accounts", ["unshare"], "accounts for a server alone (root or user namespaces)", "mount"),
    // unshare is on every Debian, mount is a package of its own that a minimal one lacks.
    check: [...namespaceArguments, "mount", "--version"]
  },
  root: {
    ...part("root", ["sh"], "terminals and accounts of other users on a real server", "dash"),
    check: ["-c", 'test "$(id -u)" = 0'],
    remedy: "run the tests as root, in a container for example"
  },
  ip: part("ip", ["ip"], "networks of a namespace's own", "iproute2"),
  nsenter: part("nsenter", ["nsenter"], "commands in a namespace", "util-linux"),
  script: part("script", ["script"], "shells on terminals of their own", "bsdutils"),
  pexpect: {
    ...part("pexpect", ["python3"], "the peer of the bench of serial consoles", "python3-pexpect"),
    check: ["-c", "import pexpect"]
  },
  docker: {
    ...part("docker", ["docker"], "servers of other distributions in containers", "docker.io"),
    check: ["info"],
    remedy: "install docker.io and start its daemon: dockerd, as root"
  },
  mmdebstrap: part("mmdebstrap", ["mmdebstrap"], "a Debian image where no registry answers", "mmdebstrap"),
  qemu: part("qemu", ["qemu-system-x86_64"], "a real guest with a serial console", "qemu-system-x86"),
  "qemu-img": part("qemu-img", ["qemu-img"], "disks for the guest", "qemu-utils"),
  cpio: part("cpio", ["cpio"], "the guest's first file system", "cpio"),
  mke2fs: part("mke2fs", ["mke2fs"], "the guest's disk", "e2fsprogs"),
  fakeroot: part("fakeroot", ["fakeroot"], "files of other owners in the guest", "fakeroot"),
  postgres: part(
    "postgres",
    // Debian has each version in a folder of its own, none of them on PATH.
    [...["18", "17", "16", "15", "14"].map((version) => `/usr/lib/postgresql/${version}/bin/postgres`), "postgres"],
    "a real PostgreSQL server",
    "postgresql"
  ),
  setpriv: {
    ...part("setpriv", ["setpriv"], "servers that end even when the tests are killed", "util-linux"),
    check: ["--pdeathsig", "KILL", "true"]
  }
} as const

/**
 * What a suite needs that runs on a `Guest`.
 *
 * @since 0.1.0
 * @category constants
 */
export const guestParts: ReadonlyArray<PartName> = ["qemu", "qemu-img", "mmdebstrap", "cpio", "mke2fs", "fakeroot"]

/**
 * @since 0.1.0
 * @category models
 */
export type PartName = keyof typeof parts

function part(name: string, programs: ReadonlyArray<string>, purpose: string, debianPackage: string): RealPart {
  return { name, programs, purpose, debianPackage }
}

const isExecutable = (path: string): boolean => {
  try {
    Fs.accessSync(path, Fs.constants.X_OK)
    return true
  } catch {
    return false
  }
}

const checked = new Map<PartName, boolean>()

const passesCheck = (name: PartName, program: string): boolean => {
  const { check }: RealPart = parts[name]
  if (check === undefined) return true
  const passed = checked.get(name) ?? ChildProcess.spawnSync(program, check, { stdio: "ignore" }).status === 0
  checked.set(name, passed)
  return passed
}

/**
 * Absolute path of a part's program on this machine, or `undefined` where it is missing or can't do its work.
 *
 * @since 0.1.0
 * @category accessors
 */
export const find = (name: PartName): string | undefined => {
  const folders = [...(process.env["PATH"] ?? "").split(Path.delimiter), "/usr/sbin", "/sbin", "/usr/local/sbin"]
  const found = parts[name].programs
    .flatMap((program) =>
      Path.isAbsolute(program)
        ? [program]
        : folders.filter((folder) => folder !== "").map((folder) => Path.join(folder, program))
    )
    .find(isExecutable)
  return found !== undefined && passesCheck(name, found) ? found : undefined
}

/**
 * The path of a part that a suite declared with {@link describeWith} may rely on.
 *
 * @since 0.1.0
 * @category accessors
 */
export const path = (name: PartName): string => {
  const found = find(name)
  if (found !== undefined) return found
  const { check, debianPackage, purpose, remedy = `apt-get install -y ${debianPackage}` }: RealPart = parts[name]
  throw new Error(
    check === undefined
      ? `${name} is missing: ${remedy}`
      : `${name} is missing or not allowed here (${purpose}): ${remedy}`
  )
}

/**
 * A suite that needs real parts: it runs where all are there, is skipped where one is missing, and fails there when
 * `REQUIRE_REAL=1` is set.
 *
 * @since 0.1.0
 * @category constructors
 */
export const describeWith = (names: ReadonlyArray<PartName>, title: string, suite: () => void): void => {
  const missing = names.filter((name) => find(name) === undefined)
  if (missing.length === 0) {
    describe(title, suite)
    return
  }
  if (process.env["REQUIRE_REAL"] === "1") {
    describe(title, () => {
      it(`needs ${missing.join(", ")}`, () => {
        path(missing[0] as PartName) // the list is not empty; this throws with the line that installs it
      })
    })
    return
  }
  describe.skip(`${title} (needs ${missing.join(", ")})`, suite)
}
