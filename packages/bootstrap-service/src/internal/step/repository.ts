/** The repository in the workspace, by a job that goes on while nobody looks. */
import { Duration, Effect, Redacted, Stream } from "effect"
import type { Jobs } from "@toehold/jobs/Jobs"
import type * as JobsError from "@toehold/jobs/JobsError"
import * as JobSpec from "@toehold/jobs/JobSpec"
import type { JobStatus } from "@toehold/jobs/JobStatus"
import * as BootstrapError from "../../BootstrapError.ts"
import type { SessionConfig } from "../../SessionConfig.ts"
import type { ConsoleReady, RepositoryReady, WorkspaceReady, Report } from "../../SessionStep.ts"
import { classify, lineOf } from "../gitFailure.ts"
import { GitProgress } from "../gitProgress.ts"
import { Facts, run, type Spawner, wordsAs } from "../machineShell.ts"
import * as script from "../script/repository.ts"
import { defaultUser, scrubber } from "../secrets.ts"
import { find, startFresh } from "../startFresh.ts"
import { ofJobs } from "../transport.ts"
import { isSshUrl } from "../words.ts"

export const jobId = (sessionId: string): string => `clone-${sessionId}`

const step = "repository"

/** What is kept of stderr, to tell what went wrong. */
const maxWords = 64 * 1024

const checkedOut = (facts: Facts): RepositoryReady | undefined => {
  const commit = facts.get("head")
  const branch = facts.get("branch")
  return commit === undefined ? undefined : { commit, ...(branch === undefined ? {} : { branch }) }
}

const failure = (reason: BootstrapError.Reason) => Effect.fail(BootstrapError.make(reason))

const ofJob = ofJobs(
  step,
  ({ reason }: JobsError.JobsError) => new BootstrapError.RepositoryFailed({ detail: reason.message })
)

export interface Given {
  readonly console: ConsoleReady
  readonly workspace: WorkspaceReady
}

export const repository = (spawner: Spawner, jobs: Jobs["Service"], limit: Duration.Input) => {
  const look = Effect.fnUntraced(function* (config: SessionConfig, { console, workspace: { path } }: Given) {
    const facts = yield* run(spawner, { step, text: script.look, args: [path, config.sessionId], as: console })
    switch (facts.get("state")) {
      case "ready": {
        const [url, ref = ""] = ["url", "ref"].map((name) => facts.get(name))
        // Of another repository it is another session's work, whatever its name.
        if (url !== config.repoUrl || ref !== (config.branch ?? "")) {
          return yield* failure(new BootstrapError.WorkspaceTaken({ path }))
        }
        return checkedOut(facts)
      }
      case "taken":
        return yield* failure(new BootstrapError.WorkspaceTaken({ path }))
      case "damaged": {
        // Whatever is there now is somebody's work: it is not cloned over.
        const detail = `what ${path} has checked out can't be read any more`
        return yield* failure(new BootstrapError.RepositoryFailed({ detail }))
      }
      default:
        return undefined
    }
  })

  const specOf = (
    config: SessionConfig,
    { console, workspace: { path } }: Given
  ): JobSpec.JobSpec & { readonly id: string } => {
    const { branch = "", credentials, knownHosts = "", repoUrl, sessionId, shallow = false, sshKey } = config
    const isSsh = isSshUrl(repoUrl)
    const flags = [shallow, credentials !== undefined, isSsh, sshKey !== undefined].map((is) => (is ? "1" : "0"))
    const args = [path, sessionId, repoUrl, branch, ...flags, isSsh ? knownHosts : ""]
    const { env, words } =
      sshKey === undefined
        ? wordsAs(console, script.clone, args)
        : wordsAs(console, script.withAgent, [script.clone, ...args])
    const id = jobId(sessionId)
    const spec = JobSpec.argv(words, {
      timeLimit: limit,
      maxOutput: 1024 * 1024,
      env: {
        ...env,
        ...(credentials === undefined
          ? {}
          : {
              TOEHOLD_GIT_USER: Redacted.make(credentials.username ?? defaultUser),
              TOEHOLD_GIT_TOKEN: credentials.token
            }),
        ...(sshKey === undefined ? {} : { TOEHOLD_GIT_KEY: sshKey })
      }
    })
    return { ...spec, id }
  }

  const follow = Effect.fnUntraced(function* (id: string, report: Report, scrub: (text: string) => string) {
    const decoder = new TextDecoder()
    const progress = new GitProgress()
    let stdout = ""
    let stderr = ""
    let end: JobStatus | undefined
    yield* jobs.follow(id).pipe(
      Stream.mapError(ofJob),
      Stream.runForEach((event) => {
        if (event._tag === "Ended") end = event.status
        if (event._tag !== "Output") return Effect.void
        if (event.stream === "stdout") {
          stdout = (stdout + new TextDecoder().decode(event.data)).slice(-maxWords)
          return Effect.void
        }
        const text = decoder.decode(event.data, { stream: true })
        stderr = (stderr + text).slice(-maxWords)
        return Effect.forEach(progress.push(text), (words) => report(scrub(words)), { discard: true })
      })
    )
    return { end, facts: Facts.of(stdout.split("\n")), stderr: scrub(stderr) }
  })

  return Effect.fn("SessionSteps.repository")(function* (config: SessionConfig, given: Given, report: Report) {
    const done = yield* look(config, given)
    if (done !== undefined) {
      yield* report(`The repository is there already, at ${done.commit.slice(0, 12)}`)
      return done
    }
    const { branch, credentials, repoUrl, sshKey } = config
    const { path } = given.workspace
    yield* report(`Cloning ${repoUrl}${branch === undefined ? "" : ` (${branch})`}`)
    const id = jobId(config.sessionId)
    const before = yield* Effect.mapError(find(jobs, id), ofJob)
    yield* Effect.mapError(startFresh(jobs, specOf(config, given), before), ofJob)
    const { end, facts, stderr } = yield* follow(id, report, scrubber(config))
    const exitCode = end?.state._tag === "Exited" ? end.state.exitCode : undefined
    if (exitCode !== 0) {
      if (end?.timedOut === true) {
        const timeoutMs = Duration.toMillis(limit)
        return yield* failure(
          new BootstrapError.RepositoryTimeout({ timeoutMs, detail: lineOf(stderr) || "no word of git" })
        )
      }
      const hasCredentials = credentials !== undefined || sshKey !== undefined
      return yield* failure(classify({ exitCode, stderr, branch, path, url: repoUrl, hasCredentials }))
    }
    const cloned = checkedOut(facts)
    if (cloned === undefined) {
      return yield* failure(new BootstrapError.RepositoryFailed({ exitCode, detail: "git made no repository" }))
    }
    // The workspace says by itself that it is ready: what is left of the job is its output.
    yield* Effect.ignore(jobs.forget(id))
    yield* report(
      `The repository is at ${cloned.commit.slice(0, 12)}${cloned.branch === undefined ? "" : ` on ${cloned.branch}`}`
    )
    return cloned
  })
}
