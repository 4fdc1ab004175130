/**
 * A value that a recipe's script takes: a variable in its environment, or a word on its command line.
 *
 * @since 0.1.0
 * @category models
 */
export interface Parameter {
  readonly name: string
  readonly summary: string
  readonly isOptional: boolean
}

/**
 * A recipe. `start` is shell text that runs the service it sets up, which answers on `port`; `forward` is a port that its
 * users want on their own machine.
 *
 * @since 0.1.0
 * @category models
 */
export interface Recipe {
  readonly name: string
  readonly version: string
  readonly summary: string
  readonly secrets: ReadonlyArray<Parameter>
  readonly arguments: ReadonlyArray<Parameter>
  readonly interpreter: "sh" | "bash"
  readonly script: string
  readonly start: string | undefined
  readonly port: number | undefined
  readonly forward: number | undefined
  /** Where it comes from: a file, or `shipped`. */
  readonly source: string
}
