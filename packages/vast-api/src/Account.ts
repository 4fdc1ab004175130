/**
 * What belongs to an account: its user, SSH keys, API keys, environment variables, templates and volumes.
 *
 * @since 0.1.0
 */
import { Schema, SchemaTransformation } from "effect"
import { orNull, Trimmed } from "./internal/field.ts"

/**
 * The user behind the API key. Amounts are US dollars.
 *
 * @since 0.1.0
 * @category models
 */
export const User = Schema.Struct({
  id: Schema.Int,
  username: orNull(Schema.String),
  email: orNull(Schema.String),
  balance: orNull(Schema.Finite),
  credit: orNull(Schema.Finite),
  can_pay: orNull(Schema.Boolean),
  email_verified: orNull(Schema.Boolean),
  ssh_key: orNull(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type User = typeof User.Type

const KeyFields = Schema.Struct({
  id: Schema.Int,
  name: orNull(Schema.String),
  public_key: Schema.String,
  created_at: orNull(Schema.String)
})

const KeyFieldsAsKey = Schema.Struct({
  id: Schema.Int,
  name: orNull(Schema.String),
  key: Schema.String,
  created_at: orNull(Schema.String)
})

/**
 * A public SSH key of the account or of an instance. The service names the line `public_key` or `key`.
 *
 * @since 0.1.0
 * @category models
 */
export const SshKey = Schema.Union([
  KeyFields,
  KeyFieldsAsKey.pipe(
    Schema.decodeTo(
      Schema.toType(KeyFields),
      SchemaTransformation.transform({
        decode: ({ key, ...rest }) => ({ ...rest, public_key: key }),
        encode: ({ public_key, ...rest }) => ({ ...rest, key: public_key })
      })
    )
  )
])

/**
 * @since 0.1.0
 * @category models
 */
export type SshKey = typeof SshKey.Type

/**
 * An API key of the account, without the key itself.
 *
 * @since 0.1.0
 * @category models
 */
export const ApiKey = Schema.Struct({
  id: Schema.Int,
  name: orNull(Schema.String),
  rights: orNull(Schema.Unknown),
  key_type: orNull(Schema.String),
  team_id: orNull(Schema.Int),
  team_name: orNull(Schema.String)
})

/**
 * @since 0.1.0
 * @category models
 */
export type ApiKey = typeof ApiKey.Type

/**
 * A template: an image with its settings. Disk space is GB.
 *
 * @since 0.1.0
 * @category models
 */
export const Template = Schema.Struct({
  id: Schema.Int,
  hash_id: Schema.String,
  name: orNull(Schema.String),
  image: orNull(Schema.String),
  tag: orNull(Schema.String),
  use_ssh: orNull(Schema.Boolean),
  ssh_direct: orNull(Schema.Boolean),
  recommended_disk_space: orNull(Schema.Finite)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Template = typeof Template.Type

/**
 * A volume. Disk space is GB, its cost US dollars an hour.
 *
 * @since 0.1.0
 * @category models
 */
export const Volume = Schema.Struct({
  id: Schema.Int,
  machine_id: orNull(Schema.Int),
  host_id: orNull(Schema.Int),
  disk_space: orNull(Schema.Finite),
  start_date: orNull(Schema.Finite),
  status: orNull(Schema.String),
  public_ipaddr: orNull(Trimmed),
  storage_total_cost: orNull(Schema.Finite)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Volume = typeof Volume.Type
