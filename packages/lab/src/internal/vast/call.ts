import type { Effect } from "effect"
import type { LabError } from "../../LabError.ts"
import type { Answer } from "./answer.ts"
import type { ApiKeyRecord, World } from "./world.ts"

/** A request that its endpoint has to answer. */
export interface Call {
  readonly world: World
  readonly params: Readonly<Record<string, string | undefined>>
  readonly query: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: Readonly<Record<string, unknown>>
  /** Who asks; `undefined` where nobody has to say. */
  readonly by: ApiKeyRecord | undefined
  /** Whether this create is to say no and rent all the same. */
  readonly isBilled: boolean
}

export interface Endpoint {
  /** `GET /api/v0/instances/{id}/`, as clients and the rate limits name it. */
  readonly name: string
  readonly answer: (call: Call) => Answer | Effect.Effect<Answer, LabError>
  /** Whether it answers without a key. */
  readonly isOpen?: boolean
}

export const endpoint = (name: string, answer: Endpoint["answer"], options: { readonly isOpen?: boolean } = {}) => ({
  name,
  answer,
  ...options
})

export const idOf = ({ params }: Call): number => Number(params["id"])
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "")
