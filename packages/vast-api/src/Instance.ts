/**
 * A rented instance, as the service describes it, and the addresses of its SSH server.
 *
 * @since 0.1.0
 */
import { Schema } from "effect"
import { orNull, PortNumber, Trimmed } from "./internal/field.ts"

/**
 * Where a port of the container is mapped to on its machine.
 *
 * @since 0.1.0
 * @category models
 */
export const PortMapping = Schema.Struct({ HostIp: orNull(Schema.String), HostPort: PortNumber })

/**
 * @since 0.1.0
 * @category models
 */
export type PortMapping = typeof PortMapping.Type

/**
 * An instance, under the service's own field names; a field that is null or missing is null. Sizes of GPU and CPU memory
 * are MB, of disks GB, prices US dollars an hour, times seconds since 1970.
 *
 * **Gotchas**
 *
 * `actual_status` is null before anything happened, and one of `created`, `loading`, `running`, `stopped`, `frozen`,
 * `exited`, `rebooting`, `unknown`, `offline` later; the service may add others. `running` does not mean that its SSH server
 * answers. What may hold secrets is `Redacted`.
 *
 * @since 0.1.0
 * @category models
 */
export const Instance = Schema.Struct({
  id: Schema.Int,
  machine_id: orNull(Schema.Int),
  host_id: orNull(Schema.Int),
  actual_status: orNull(Trimmed),
  intended_status: orNull(Trimmed),
  cur_state: orNull(Trimmed),
  next_state: orNull(Trimmed),
  status_msg: orNull(Trimmed),
  label: orNull(Schema.String),
  template_hash_id: orNull(Schema.String),
  image_uuid: orNull(Schema.String),
  image_runtype: orNull(Schema.String),
  extra_env: orNull(Schema.RedactedFromValue(Schema.Unknown)),
  onstart: orNull(Schema.RedactedFromValue(Schema.String)),
  jupyter_token: orNull(Schema.RedactedFromValue(Schema.String)),
  ssh_host: orNull(Trimmed),
  ssh_port: orNull(Schema.Int),
  public_ipaddr: orNull(Trimmed),
  ports: orNull(Schema.Record(Schema.String, Schema.NullOr(Schema.Array(PortMapping)))),
  start_date: orNull(Schema.Finite),
  end_date: orNull(Schema.Finite),
  uptime_mins: orNull(Schema.Finite),
  num_gpus: orNull(Schema.Int),
  gpu_name: orNull(Schema.String),
  gpu_ram: orNull(Schema.Finite),
  gpu_util: orNull(Schema.Finite),
  cpu_name: orNull(Schema.String),
  cpu_cores_effective: orNull(Schema.Finite),
  cpu_ram: orNull(Schema.Finite),
  disk_space: orNull(Schema.Finite),
  disk_usage: orNull(Schema.Finite),
  driver_version: orNull(Schema.String),
  cuda_max_good: orNull(Schema.Finite),
  inet_up: orNull(Schema.Finite),
  inet_down: orNull(Schema.Finite),
  reliability2: orNull(Schema.Finite),
  verification: orNull(Schema.String),
  geolocation: orNull(Schema.String),
  is_bid: orNull(Schema.Boolean),
  min_bid: orNull(Schema.Finite),
  dph_total: orNull(Schema.Finite)
})

/**
 * @since 0.1.0
 * @category models
 */
export type Instance = typeof Instance.Type

/**
 * An address of an instance's SSH server; the login name is always `root`. The proxy and the machine have different host
 * keys, so that a key learned at one says nothing of the other.
 *
 * @since 0.1.0
 * @category models
 */
export interface SshAddress {
  readonly kind: "direct" | "proxy"
  readonly host: string
  readonly port: number
}

// What goes into a command line or a known_hosts line must not be able to be anything else.
const hostPattern = /^[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$/

const isAddress = ({ host, port }: SshAddress): boolean => hostPattern.test(host) && port >= 1 && port <= 65535

/**
 * The addresses at which the instance's SSH server can be tried, the direct one first: the machine's public address with
 * the port that 22/tcp is mapped to, and the service's proxy, whose port is one higher when the instance runs Jupyter.
 * Host and port of the two are never mixed. An address that is no address is left out.
 *
 * **Gotchas**
 *
 * Ports are reused: after the instance is gone, the same address may be someone else's.
 *
 * @since 0.1.0
 * @category accessors
 */
export const sshAddresses = (
  instance: Pick<Instance, "public_ipaddr" | "ports" | "ssh_host" | "ssh_port" | "image_runtype">
): ReadonlyArray<SshAddress> => {
  const mapped = instance.ports?.["22/tcp"]?.[0]?.HostPort
  const direct: ReadonlyArray<SshAddress> =
    instance.public_ipaddr === null || mapped === undefined
      ? []
      : [{ kind: "direct", host: instance.public_ipaddr, port: mapped }]
  const offset = instance.image_runtype?.includes("jupyter") === true ? 1 : 0
  const proxy: ReadonlyArray<SshAddress> =
    instance.ssh_host === null || instance.ssh_port === null
      ? []
      : [{ kind: "proxy", host: instance.ssh_host, port: instance.ssh_port + offset }]
  return [...direct, ...proxy].filter(isAddress)
}

/**
 * What the service says of an instance that is another one when its container was made anew: its machine, and when its
 * contract began. Two that are alike prove nothing.
 *
 * @since 0.1.0
 * @category accessors
 */
export const markOf = ({ machine_id, start_date }: Pick<Instance, "machine_id" | "start_date">): string =>
  `${machine_id ?? "-"} ${start_date === null ? "-" : Math.round(start_date)}`
