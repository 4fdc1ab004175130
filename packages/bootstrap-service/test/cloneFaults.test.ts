import { assert, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import * as RealPart from "@toehold/lab/RealPart"
import type { SessionConfig } from "../src/SessionConfig.ts"
import { SessionSteps } from "../src/SessionSteps.ts"
import * as Namespace from "./support/namespace.ts"
import { Place } from "./support/place.ts"
import * as Serial from "./support/serial.ts"
import * as Ssh from "./support/ssh.ts"

const limit = 480_000

/** Shell text that root runs there. */
type AsRoot = (text: string, ...args: ReadonlyArray<string>) => Effect.Effect<string>

const making = `
set -e
mkdir -p "$1"
cd "$1"
git init -q -b main repo
cd repo
head -c 3000000 /dev/urandom >file
git add file
git -c user.name=a -c user.email=a@example.org commit -qm one
git init -q --bare ../empty
`

/** A web server there that asks for a password, and its process. */
const asking = `
mkdir -p "$1/www"
echo '/:user:password' >"$1/conf"
setsid busybox httpd -f -p "127.0.0.1:$2" -h "$1/www" -c "$1/conf" </dev/null >/dev/null 2>&1 &
echo $!
`

const faults = <R, E>(
  layer: Layer.Layer<Place | SessionSteps | R, E>,
  rootOn: Effect.Effect<AsRoot, never, Place | R>
): void => {
  it.layer(layer, { excludeTestServices: true, timeout: limit })((it) => {
    it.effect(
      "has a reason for each way in which there is no repository, with what to do, and none that lasts",
      () =>
        Effect.gen(function* () {
          const place = yield* Place
          const steps = yield* SessionSteps
          const asRoot = yield* rootOn
          const folder = `${place.folder}/faults`
          yield* place.sh(making, folder)
          const port = String(yield* place.freePort)
          const server = (yield* place.sh(asking, folder, port)).trim()
          yield* Effect.addFinalizer(() => place.sh('kill "$1"; rm -rf "$2"', server, folder))
          const config: SessionConfig = {
            sessionId: "faulty",
            repoUrl: `file://${folder}/repo`,
            vmId: "vm-1",
            workspaceBasePath: `${folder}/workspaces`
          }
          const console = yield* steps.console(config, {})
          const clone = (changes: Partial<SessionConfig>) =>
            Effect.gen(function* () {
              const changed = { ...config, ...changes }
              const workspace = yield* steps.workspace(changed, { console })
              return yield* steps.repository(changed, { console, workspace })
            })
          const reasonOf = (changes: Partial<SessionConfig>) =>
            Effect.map(Effect.flip(clone(changes)), ({ reason }) => reason)

          const expected: ReadonlyArray<readonly [Partial<SessionConfig>, tag: string, fix: RegExp]> = [
            [{ repoUrl: `http://127.0.0.1:${port}/x.git` }, "RepositoryPrivate", /credentials/],
            [{ repoUrl: `file://${folder}/none` }, "RepositoryMissing", /URL/],
            [{ repoUrl: `file://${folder}/empty` }, "RepositoryEmpty", /first commit/],
            [{ repoUrl: "http://127.0.0.1:1/x.git" }, "RepositoryUnreachable", /network/],
            [{ repoUrl: "http://no-such-host.invalid/x.git" }, "RepositoryUnreachable", /DNS/],
            [{ branch: "no/such" }, "BranchUnknown", /name/]
          ]
          for (const [changes, tag, fix] of expected) {
            const reason = yield* reasonOf(changes)
            assert.strictEqual(reason._tag, tag, reason.message)
            assert.match(reason.fix, fix)
          }

          yield* asRoot(
            'mkdir -p "$1" && mount -t tmpfs -o size=1m tmpfs "$1" && chown --reference="$1/.." "$1"',
            `${folder}/small`
          )
          const small = { sessionId: "full", workspaceBasePath: `${folder}/small` }
          const full = yield* reasonOf(small)
          assert.deepInclude(full, { _tag: "NoSpace", step: "repository" }, full.message)
          yield* asRoot('mount -o remount,size=100m "$1"', `${folder}/small`)
          const { commit } = yield* clone(small)
          yield* asRoot('umount "$1"', `${folder}/small`)

          // A file that can't be run takes git's place.
          yield* asRoot(': >"$1/none"; g=$(command -v git); mount --bind "$1/none" "$g"; echo "$g" >"$1/git"', folder)
          const missing = yield* reasonOf({})
          yield* asRoot('umount "$(cat "$1/git")"', folder)
          assert.strictEqual(missing._tag, "GitMissing", missing.message)

          assert.strictEqual((yield* clone({})).commit, commit)
        }).pipe(Effect.scoped),
      limit
    )
  })
}

const local: ReadonlyArray<RealPart.PartName> = ["root", "private-accounts", "nsenter", "setpriv", "busybox", "git"]

RealPart.describeWith(local, "A clone on a local machine", () => {
  faults(
    Namespace.layer(),
    Effect.map(Namespace.Root, ({ sh }): AsRoot => sh)
  )
})

RealPart.describeWith(["root", "sshd", "private-accounts", "busybox", "git"], "A clone over SSH", () => {
  faults(
    Ssh.layer(),
    Effect.map(Place, ({ sh }): AsRoot => sh)
  )
})

RealPart.describeWith(RealPart.guestParts, "A clone over a guest's console", () => {
  const asRoot = Effect.map(
    Place,
    ({ sh }): AsRoot =>
      (text, ...args) =>
        sh('sudo -n sh -c "$@"', text, "sh", ...args)
  )
  faults(Serial.layer("job"), asRoot)
})
