import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { describeWith } from "@toehold/lab/RealPart"
import { SessionSteps } from "../src/SessionSteps.ts"
import * as GitServer from "./support/gitServer.ts"
import * as Namespace from "./support/namespace.ts"
import { Place } from "./support/place.ts"

const session = Effect.fnUntraced(function* (base: string, repoUrl: string) {
  const steps = yield* SessionSteps
  const config = { sessionId: "full", repoUrl, vmId: "vm-1", workspaceBasePath: base }
  const console = yield* steps.console(config, {})
  const workspace = steps.workspace(config, { console })
  const clone = Effect.flatMap(workspace, (workspace) => steps.repository(config, { console, workspace }))
  return { clone, workspace, console }
})

describeWith(["root", "private-accounts", "nsenter", "setpriv", "busybox", "git"], "A machine's disk", () => {
  it.layer(Namespace.layer(), { excludeTestServices: true })((it) => {
    it.effect("may be full, or read-only", () =>
      Effect.gen(function* () {
        const root = yield* Namespace.Root
        const { folder } = yield* Place
        const server = yield* GitServer.make({}, 3_000_000)
        yield* root.sh('mkdir "$1" && mount -t tmpfs -o size=1m tmpfs "$1" && chown agent "$1"', `${folder}/small`)
        const full = yield* session(`${folder}/small`, server.url)
        assert.strictEqual((yield* Effect.flip(full.clone)).reason._tag, "NoSpace")
        yield* root.sh('mount -o remount,size=100m "$1"', `${folder}/small`)
        assert.strictEqual((yield* full.clone).commit, server.commit)

        yield* root.sh('mkdir "$1" && mount -t tmpfs -o ro tmpfs "$1"', `${folder}/frozen`)
        const { console, workspace } = yield* session(`${folder}/frozen/workspaces`, server.url)
        assert.deepStrictEqual(yield* workspace, { path: `${console.home}/workspaces/full`, isFallback: true })
        // Nor in the home folder, nor for anybody.
        yield* root.sh(
          'rm -rf "$1"; for f in "$1" /var/tmp /tmp; do mkdir -p "$f"; mount -t tmpfs -o ro tmpfs "$f"; done',
          `${console.home}/workspaces`
        )
        const reason = yield* Effect.flip(workspace)
        assert.strictEqual(reason.reason._tag, "WorkspaceReadOnly")
        assert.include(reason.message, "Read-only file system")
      }).pipe(Effect.scoped)
    )
  })
})
