/** An instance as it is shown. */
import * as Instance from "@toehold/vast-api/Instance"
import { type Column, none } from "../table.ts"

/** All that the service says but what may hold secrets, and the addresses that follow from it. */
export const instanceDocument = (instance: Instance.Instance) => {
  const { extra_env: _env, jupyter_token: _token, onstart: _script, ...shown } = instance
  return { ...shown, ssh: Instance.sshAddresses(instance) }
}

export const gigabytes = (megabytes: number | null): string =>
  megabytes === null ? none : `${Math.round(megabytes / 1024)} GB`

export const price = (dollars: number | null): string => (dollars === null ? none : dollars.toFixed(3))

export const gpus = ({ gpu_name, num_gpus }: { readonly gpu_name: string | null; readonly num_gpus: number | null }) =>
  gpu_name === null ? none : `${num_gpus ?? 1}x ${gpu_name}`

/** The status, and what it is to become where that is something else. */
export const statusOf = ({ actual_status, intended_status }: Instance.Instance): string => {
  const status = actual_status ?? "not known yet"
  return intended_status === null || intended_status === actual_status ? status : `${status} (to be ${intended_status})`
}

export const addressText = ({ host, port }: Instance.SshAddress): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

const upFor = (minutes: number | null): string => {
  if (minutes === null) return none
  const hours = Math.floor(minutes / 60)
  return hours === 0 ? `${Math.floor(minutes)} min` : hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
}

export const instanceColumns: ReadonlyArray<Column<Instance.Instance>> = [
  { title: "ID", value: ({ id }) => `${id}`, isNumber: true },
  { title: "STATUS", value: statusOf },
  { title: "GPU", value: gpus },
  { title: "$/H", value: ({ dph_total }) => price(dph_total), isNumber: true },
  { title: "UP", value: ({ uptime_mins }) => upFor(uptime_mins), isNumber: true, spare: 3 },
  { title: "SSH", value: (instance) => Instance.sshAddresses(instance).map(addressText)[0] ?? none, spare: 2 },
  { title: "LABEL", value: ({ label }) => label ?? none, spare: 1 },
  { title: "IMAGE", value: ({ image_uuid }) => image_uuid ?? none, spare: 4 }
]

/** One line a fact, for a person. */
export const instanceFacts = (instance: Instance.Instance): ReadonlyArray<readonly [name: string, value: string]> => {
  const facts: ReadonlyArray<readonly [string, string | null]> = [
    ["instance", `${instance.id}`],
    ["status", statusOf(instance)],
    ["message", instance.status_msg],
    ["label", instance.label],
    ["image", instance.image_uuid],
    ["GPU", `${gpus(instance)}, ${gigabytes(instance.gpu_ram)} each`],
    ["CPU", `${instance.cpu_cores_effective ?? none} cores, ${gigabytes(instance.cpu_ram)} RAM`],
    ["disk", instance.disk_space === null ? null : `${instance.disk_space} GB`],
    ["price", instance.dph_total === null ? null : `$${price(instance.dph_total)} an hour`],
    ["up for", instance.uptime_mins === null ? null : upFor(instance.uptime_mins)],
    ["where", instance.geolocation],
    ...Instance.sshAddresses(instance).map((address): readonly [string, string] => [
      `ssh ${address.kind}`,
      `ssh -p ${address.port} root@${address.host}`
    ])
  ]
  return facts.flatMap(([name, value]) => (value === null || value === "" ? [] : [[name, value] as const]))
}
