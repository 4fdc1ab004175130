import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ProvisionError from "@toehold/bootstrap-service/ProvisionError"
import * as JobsError from "@toehold/jobs/JobsError"
import * as MachineError from "@toehold/machines/MachineError"
import * as SshError from "@toehold/ssh-core/SshError"
import * as TransferError from "@toehold/transfer/TransferError"
import * as VastError from "@toehold/vast-api/VastError"
import * as ExitCode from "../src/ExitCode.ts"
import { text as agents } from "../src/internal/topic/agents.ts"
import { text as errors } from "../src/internal/topic/errors.ts"
import { text as exitCodes } from "../src/internal/topic/exitCodes.ts"
import { root } from "../src/internal/tree.ts"
import { topicNames } from "../src/internal/topicNames.ts"
import { toehold } from "./support/program.ts"

const reasons = [
  ...SshError.Reason.members,
  ...JobsError.Reason.members,
  ...TransferError.Reason.members,
  ...VastError.Reason.members,
  ...MachineError.Reason.members,
  ...ProvisionError.Reason.members
].map((member) => member.identifier.replace(/^.*\//, ""))

describe("help topics", () => {
  it.effect("are all there", () =>
    Effect.gen(function* () {
      for (const [name] of topicNames) {
        const { exitCode, stdout } = yield* toehold(["help", name])
        assert.strictEqual(exitCode, 0)
        assert.match(stdout, /^# /)
      }
      assert.include((yield* toehold(["help", "exec"])).stdout, "toehold exec MACHINE [flags] -- CMD")
    })
  )

  it("name every reason that a failure can have", () => {
    assert.isAbove(reasons.length, 20)
    for (const reason of reasons) {
      for (const [name, text] of Object.entries({ agents, errors, exitCodes })) {
        assert.include(text, `\`${reason}\``, `${name} says nothing of ${reason}`)
      }
    }
  })

  it("name every exit code that the program uses", () => {
    for (const code of Object.values(ExitCode).filter((value) => typeof value === "number")) {
      assert.match(exitCodes, new RegExp(`^\\| ${code} \\|`, "m"))
    }
  })

  it("name no flag that there isn't", () => {
    const flags = new Set<string>(["--help", "--version", "--log-level", "--log-format"])
    const collect = (command: typeof root): void => {
      for (const { name } of command.flags ?? []) flags.add(`--${name}`)
      command.children?.forEach(collect)
    }
    collect(root)
    for (const text of [agents, errors, exitCodes]) {
      for (const [flag] of text.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)) assert.isTrue(flags.has(flag), flag)
    }
  })
})
