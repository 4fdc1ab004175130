/** The help topics; their texts are pages of `docs/`. */
export const topicNames: ReadonlyArray<readonly [name: string, summary: string]> = [
  ["agents", "For coding agents: what to run in which order, and what to do about each error"],
  ["jobs", "Long work that outlives its connection"],
  ["provisioning", "From a rented instance or a machine to a URL: up, provision, tunnel, recipe"],
  ["interactive", "Programs that ask: answers by a script, sudo, terminals"],
  ["machines", "How a machine is named"],
  ["vast-ai", "Instances of Vast.ai, and vast:ID as a machine"],
  ["transfers", "What put, get and sync promise"],
  ["exit-codes", "What the exit codes mean"],
  ["environment", "Environment variables and files"],
  ["formatting", "What is printed, and the JSON documents"],
  ["errors", "Every reason that a failure can have"]
]
