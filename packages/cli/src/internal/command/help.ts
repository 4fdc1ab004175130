/** `toehold help`: a topic, a command, or the program as a whole. */
import { Effect } from "effect"
import type { CommandSpec, Handler } from "../commandSpec.ts"
import { helpText } from "../helpText.ts"
import { print } from "../print.ts"
import { nearest } from "../suggestion.ts"
import { topicNames } from "../topicNames.ts"

const texts: Readonly<Record<string, () => Promise<{ readonly text: string }>>> = {
  agents: () => import("../topic/agents.ts"),
  jobs: () => import("../topic/jobs.ts"),
  provisioning: () => import("../topic/provisioning.ts"),
  interactive: () => import("../topic/interactive.ts"),
  machines: () => import("../topic/machines.ts"),
  transfers: () => import("../topic/transfers.ts"),
  "vast-ai": () => import("../topic/vast.ts"),
  "exit-codes": () => import("../topic/exitCodes.ts"),
  environment: () => import("../topic/environment.ts"),
  formatting: () => import("../topic/formatting.ts"),
  errors: () => import("../topic/errors.ts")
}

export const help =
  (root: CommandSpec): Handler =>
  (invocation) =>
    Effect.gen(function* () {
      const topic = invocation.arguments[0]
      const command = topic === undefined ? root : root.children?.find(({ name }) => name === topic)
      if (command !== undefined) {
        const path = command === root ? [root.name] : [root.name, command.name]
        yield* print(helpText(command, path, topicNames))
        return 0
      }
      const load = topic === undefined || !Object.hasOwn(texts, topic) ? undefined : texts[topic]
      if (load === undefined) {
        const names = [...topicNames.map(([name]) => name), ...(root.children ?? []).map(({ name }) => name)]
        const near = nearest(topic ?? "", names)
        return yield* invocation.usage(
          `There is no help on "${topic}".`,
          `${near === undefined ? "" : `Did you mean ${near}? `}Topics: ${names.join(", ")}.`
        )
      }
      const { text } = yield* Effect.promise(load)
      yield* print(text)
      return 0
    })
