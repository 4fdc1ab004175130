/**
 * The account that a test logs in to: its shell, its home folder, its password, without a change to the machine's own
 * accounts.
 *
 * The server runs in a mount namespace of its own, where `/etc/passwd`, `/etc/shadow`, `/etc/group` and `/etc/shells` are
 * copies in the test's temporary folder. As root this works wherever `unshare --mount` does; as another user it takes
 * user namespaces.
 *
 * **Gotchas**
 *
 * Where neither works, only OpenSSH can be started, and only for the user that runs the tests with the shell that it has.
 * `$HOME` leads to the temporary home all the same, while commands start in the real one.
 *
 * @since 0.1.0
 */
import type { Redacted } from "effect"
import type { LoginShell } from "./LoginShell.ts"

/**
 * What the account looks like. Everything but `homeFiles` needs the private accounts described above.
 *
 * @since 0.1.0
 * @category models
 */
export interface Account {
  /** Login name; by default that of the user who runs the tests, or one made of another `uid`. */
  readonly user?: string
  /** Numeric user and group id; by default the current one. Another one needs root. */
  readonly uid?: number
  /** Default: `sh`. */
  readonly loginShell?: LoginShell
  /** Lets the account log in with this password. */
  readonly password?: Redacted.Redacted
  /** The password must be changed at the first login, as `chage -d 0` sets it. */
  readonly passwordExpired?: boolean
  /** Lines of sudoers(5), in place of the machine's own; asks for the account's password. Needs root. */
  readonly sudo?: ReadonlyArray<string>
  /** The account is over since 1970, as `usermod -e 1` sets it: no key and no password lets it in. */
  readonly expired?: boolean
  /** Home folder that there is already, instead of a new one; it outlives the server. */
  readonly homeDir?: string
  /** Folders of this machine under other names, by absolute path, which need not exist; nobody else sees them there. */
  readonly mounts?: Readonly<Record<string, string>>
  /** Files in the home folder, by relative path: `.bashrc`, `.config/fish/config.fish`, … */
  readonly homeFiles?: Readonly<Record<string, string>>
}
