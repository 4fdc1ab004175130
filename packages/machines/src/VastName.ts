/**
 * The names that an instance of Vast.ai goes by: `vast:ID`, and those of its host keys.
 *
 * @since 0.1.0
 */
import type { SshAddress } from "@toehold/vast-api/Instance"

/**
 * The number of the instance that a name stands for; `undefined` for a name of another kind. `vast:` with anything but a
 * number behind it is no name of an instance.
 *
 * @since 0.1.0
 * @category parsing
 */
export const idOf = (name: string): number | undefined => {
  const digits = /^vast:([1-9]\d{0,14})$/.exec(name.trim())?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/**
 * The name of an instance, as `Machine.open` takes it.
 *
 * @since 0.1.0
 * @category formatting
 */
export const nameOf = (id: number): string => `vast:${id}`

/**
 * The name under which known_hosts holds the key of one of the instance's addresses. The two have different keys, and
 * an address alone proves nothing: ports are reused.
 *
 * @since 0.1.0
 * @category formatting
 */
export const hostKeyAlias = (id: number, kind: SshAddress["kind"]): string => `vast-${id}-${kind}`

/**
 * Every name under which known_hosts may hold a key of the instance.
 *
 * @since 0.1.0
 * @category formatting
 */
export const hostKeyAliases = (id: number): readonly [direct: string, proxy: string] => [
  hostKeyAlias(id, "direct"),
  hostKeyAlias(id, "proxy")
]
