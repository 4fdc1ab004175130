/** The endpoints of keys, secrets, offers and the rest of the account. */
import { Effect } from "effect"
import { type Answer, done, json, noSuchInstance, refuse } from "./answer.ts"
import { type Call, type Endpoint, endpoint, idOf, textOf } from "./call.ts"
import type { KeyRecord } from "./instanceRecord.ts"
import * as Offers from "./offers.ts"
import { newKey } from "./world.ts"

const userId = 7001

const keyBody = ({ createdAt, id, publicKey }: KeyRecord) => ({
  id,
  user_id: userId,
  public_key: publicKey,
  created_at: createdAt,
  deleted_at: null
})

const isKey = (text: string): boolean => /^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+( .*)?$/.test(text)

const sameKey = (a: string, b: string): boolean => a.split(" ", 2).join(" ") === b.split(" ", 2).join(" ")

const notFound = (what: string): Answer => refuse(404, "not_found", `${what} not found.`)

const createdAt = "2026-09-01T12:00:00Z"

const listKeys = ({ world }: Call): Answer => {
  const keys = world.sshKeys.map((key) => ({ ...keyBody(key), key: key.publicKey }))
  return json(world.wrapsKeys ? { ssh_keys: keys } : keys)
}

const createKey = ({ body, world }: Call): Answer => {
  const text = textOf(body["ssh_key"]).trim()
  if (text === "") return refuse(400, "no_ssh_key", "No ssh key provided")
  if (world.isTeam) {
    return refuse(
      400,
      "team_ssh_keys_not_supported",
      "Team SSH keys are not supported. SSH keys can only be created in personal context."
    )
  }
  if (!isKey(text)) return refuse(400, "invalid_args", "Invalid SSH key.")
  const key: KeyRecord = { id: world.nextId(), publicKey: text, createdAt }
  world.sshKeys = [...world.sshKeys, key]
  return json({ success: true, key: keyBody(key) })
}

const updateKey = (call: Call): Answer => {
  const { body, world } = call
  const text = textOf(body["ssh_key"]).trim()
  if (!world.sshKeys.some(({ id }) => id === idOf(call))) return notFound("SSH key")
  if (!isKey(text)) return refuse(400, "invalid_args", "Invalid SSH key.")
  world.sshKeys = world.sshKeys.map((key) => (key.id === idOf(call) ? { ...key, publicKey: text } : key))
  return done
}

const deleteKey = (call: Call): Answer => {
  const { world } = call
  if (!world.sshKeys.some(({ id }) => id === idOf(call))) return notFound("SSH key")
  world.sshKeys = world.sshKeys.filter(({ id }) => id !== idOf(call))
  return done
}

const listInstanceKeys = (call: Call): Answer => {
  const record = call.world.instances.get(idOf(call))
  if (record === undefined) return refuse(404, "no_such_instance", "Instance not found.")
  const keys = record.keys.map(({ id, publicKey }) => ({
    id,
    name: publicKey.split(" ").slice(2).join(" "),
    public_key: publicKey
  }))
  // The list is JSON inside of JSON.
  return json({ success: true, ssh_keys: JSON.stringify(keys) })
}

const attach = (call: Call) => {
  const { body, world } = call
  const record = world.instances.get(idOf(call))
  if (record === undefined) return refuse(404, "no_such_instance", "Instance not found.")
  const text = textOf(body["ssh_key"]).trim()
  if (!isKey(text)) return refuse(400, "invalid_args", "Invalid SSH key.")
  if (record.keys.some(({ publicKey }) => sameKey(publicKey, text))) {
    return refuse(400, "invalid_request", "SSH key already associated with instance.")
  }
  const registered = world.sshKeys.find(({ publicKey }) => sameKey(publicKey, text))
  record.keys = [...record.keys, registered ?? { id: world.nextId(), publicKey: text, createdAt }]
  return Effect.as(world.lifeCycle.keysChanged(record), json({ success: true, msg: "SSH key attached successfully" }))
}

const detach = (call: Call) => {
  const { params, world } = call
  const record = world.instances.get(idOf(call))
  if (record === undefined) return noSuchInstance(idOf(call))
  const key = Number(params["key"])
  if (!record.keys.some(({ id }) => id === key)) return notFound("SSH key")
  record.keys = record.keys.filter(({ id }) => id !== key)
  return Effect.as(world.lifeCycle.keysChanged(record), json({ success: true, msg: "SSH key removed from instance." }))
}

const user = ({ by, world }: Call): Answer =>
  json({
    id: userId,
    key_id: by?.id ?? 0,
    username: "alice",
    email: "alice@example.test",
    balance: 0,
    credit: 25,
    balance_threshold: 1,
    balance_threshold_enabled: false,
    billing_creditonly: 1,
    can_pay: true,
    has_billing: false,
    email_verified: true,
    paid_verified: 0,
    ssh_key: world.sshKeys[0]?.publicKey ?? null,
    sid: "s1",
    api_key: by?.key ?? null
  })

const listSecrets = ({ world }: Call): Answer =>
  json({ success: true, secrets: Object.fromEntries([...world.secrets.keys()].map((name) => [name, "********"])) })

const setSecret =
  (isNew: boolean) =>
  ({ body, world }: Call): Answer => {
    const name = textOf(body["key"])
    if (!/^[A-Za-z_]\w*$/.test(name)) return refuse(400, "invalid_args", "Invalid args: 'key' is required")
    if (world.secrets.has(name) === isNew) {
      return isNew ? refuse(400, "invalid_request", `${name} already exists.`) : notFound(name)
    }
    world.secrets.set(name, textOf(body["value"]))
    return done
  }

const deleteSecret = ({ body, world }: Call): Answer =>
  world.secrets.delete(textOf(body["key"])) ? done : notFound(textOf(body["key"]))

const listApiKeys = ({ world }: Call): Answer =>
  json({
    apikeys: [...world.apiKeys.values()]
      .filter(({ rights }) => typeof rights === "string")
      .map(({ id, name, rights }) => ({
        id,
        user_id: userId,
        name,
        rights,
        key_type: "api",
        team_id: null,
        team_name: null
      }))
  })

const createApiKey = ({ body, world }: Call): Answer => {
  const name = textOf(body["name"])
  if (name === "") return refuse(400, "invalid_args", "Invalid args: 'name' is required")
  const key = newKey()
  const id = world.nextId()
  // The real service takes fine-grained permissions; here there are keys that may do all and keys that may read.
  const permissions = JSON.stringify(body["permissions"] ?? {})
  world.apiKeys.set(key, { id, key, name, rights: /write/.test(permissions) || permissions === "{}" ? "all" : "read" })
  return json({ id, key, permissions: false })
}

const deleteApiKey = (call: Call): Answer => {
  const found = [...call.world.apiKeys.values()].find(({ id }) => id === idOf(call))
  if (found === undefined) return notFound("API key")
  call.world.apiKeys.delete(found.key)
  return done
}

const template = {
  id: 334548,
  hash_id: "4e17788f74f075dd9aab7d0d4427968f",
  name: "Base",
  image: "vastai/base-image",
  tag: "@vastai-automatic-tag",
  use_ssh: true,
  ssh_direct: true,
  recommended_disk_space: 16
}

const volume = {
  id: 20118481,
  machine_id: 33001,
  disk_space: 50,
  start_date: 1761008618.2,
  status: "active",
  instances: [],
  public_ipaddr: "203.0.113.11",
  host_id: 1200,
  storage_total_cost: 0.01,
  verification: "verified"
}

export const endpoints: ReadonlyArray<Endpoint> = [
  endpoint("GET /api/v0/users/current", user),
  endpoint("GET /api/v0/ssh/", listKeys),
  endpoint("POST /api/v0/ssh/", createKey),
  endpoint("PUT /api/v0/ssh/{id}/", updateKey),
  endpoint("DELETE /api/v0/ssh/{id}/", deleteKey),
  endpoint("GET /api/v0/instances/{id}/ssh/", listInstanceKeys),
  endpoint("POST /api/v0/instances/{id}/ssh/", attach),
  endpoint("DELETE /api/v0/instances/{id}/ssh/{key}/", detach),
  endpoint("GET /api/v0/secrets/", listSecrets),
  endpoint("POST /api/v0/secrets/", setSecret(true)),
  endpoint("PUT /api/v0/secrets/", setSecret(false)),
  endpoint("DELETE /api/v0/secrets/", deleteSecret),
  endpoint("GET /api/v0/auth/apikeys/", listApiKeys),
  endpoint("POST /api/v0/auth/apikeys/", createApiKey),
  endpoint("DELETE /api/v0/auth/apikeys/{id}/", deleteApiKey),
  endpoint("GET /api/v0/template/", () => json({ success: true, templates_found: 1, templates: [template] })),
  endpoint("GET /api/v0/volumes", () => json({ volumes: [volume] })),
  endpoint("POST /api/v0/bundles/", ({ body, world }) => Offers.search(world.offers, body)),
  endpoint("PUT /api/v0/search/asks/", ({ body, world }) => Offers.search(world.offers, body)),
  endpoint(
    "GET /api/v0/gpu_names/unique/",
    ({ world }) => json({ gpu_names: [...new Set(world.offers.map((offer) => offer["gpu_name"]))] }),
    { isOpen: true }
  )
]
