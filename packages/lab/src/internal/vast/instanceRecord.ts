import type { Doors, Machine } from "./machine.ts"

/**
 * What becomes of an instance: it runs; its image can't be pulled and the service gives up; its container can't be
 * started; it loads for ever; it waits for a GPU that is taken; its machine is offline.
 *
 * @since 0.1.0
 * @category models
 */
export type Fate = "runs" | "bad-image" | "container-error" | "loads" | "no-gpu" | "offline"

/** A public key of the account or of an instance, as the API lists it. */
export interface KeyRecord {
  readonly id: number
  readonly publicKey: string
  readonly createdAt: string
}

/** What the service keeps of an instance. */
export interface InstanceRecord {
  readonly id: number
  readonly machineId: number
  readonly apiKey: string
  readonly image: string
  readonly runtype: string
  readonly env: ReadonlyArray<readonly [name: string, value: string]>
  readonly onstart: string | null
  readonly disk: number
  readonly isBid: boolean
  readonly machine: Machine
  readonly workspace: "root" | "home"
  readonly doors: Doors
  /** Ports of the container besides that of SSH, and where they are on the machine. */
  readonly mappedPorts: Readonly<Record<number, number>>
  fate: Fate
  /** When the container was made. */
  startDate: number
  label: string | null
  actualStatus: string | null
  intendedStatus: string
  curState: string
  nextState: string
  statusMsg: string | null
  /** Keys attached to it, whether or not they let anyone in yet. */
  keys: ReadonlyArray<KeyRecord>
  /** When it began to run, in milliseconds since 1970. */
  runningSince: number | undefined
}

const jupyterOffset = (runtype: string): number => (runtype.includes("jupyter") ? 1 : 0)

const portsOf = (record: InstanceRecord): unknown => {
  const { direct } = record.machine
  if (record.actualStatus === "running" && direct !== undefined) {
    const mapped = Object.entries({ 22: direct.port, ...record.mappedPorts }).map(([port, onMachine]) => {
      const HostPort = String(onMachine)
      return [`${port}/tcp`, ["0.0.0.0", "::"].map((HostIp) => ({ HostIp, HostPort }))]
    })
    return Object.fromEntries(mapped)
  }
  return record.actualStatus === "running" || record.actualStatus === "loading" ? {} : null
}

/** The instance as the API describes it, in every field that it has. */
export const toBody = (record: InstanceRecord, now: number): Readonly<Record<string, unknown>> => {
  const { machine } = record
  const isRunning = record.actualStatus === "running"
  const hasRun = record.runningSince !== undefined
  const when = <A>(value: A): A | null => (hasRun ? value : null)
  const direct = isRunning ? machine.direct : undefined
  const cost = {
    gpuCostPerHour: 0.35,
    diskHour: 0.0051,
    totalHour: 0.3551,
    discountTotalHour: 0,
    discountedTotalPerHour: 0.3551
  }
  return {
    id: record.id,
    machine_id: record.machineId,
    host_id: 1200,
    bundle_id: 9001,
    actual_status: record.actualStatus,
    intended_status: record.intendedStatus,
    cur_state: record.curState,
    next_state: record.nextState,
    status_msg: record.statusMsg,
    label: record.label,
    template_id: null,
    template_hash_id: null,
    template_name: null,
    image_uuid: record.image,
    image_args: [],
    image_runtype: record.runtype,
    extra_env: record.env,
    onstart: record.onstart,
    jupyter_token: "0f".repeat(32),
    ssh_host: machine.proxy === undefined ? null : machine.proxy.host,
    ssh_idx: machine.proxy === undefined ? null : "7",
    ssh_port: machine.proxy === undefined ? null : machine.proxy.port - jupyterOffset(record.runtype),
    machine_dir_ssh_port: 33500,
    public_ipaddr: hasRun ? `${machine.publicHost}\n` : machine.publicHost,
    local_ipaddrs: "10.2.0.31 172.17.0.1 \n",
    static_ip: true,
    direct_port_count: machine.direct === undefined ? 0 : 250,
    direct_port_start: direct?.port ?? -1,
    direct_port_end: direct?.port ?? -1,
    ports: portsOf(record),
    start_date: record.startDate,
    end_date: record.startDate + 86400 * 365,
    uptime_mins: record.runningSince === undefined ? null : (now - record.runningSince) / 60_000,
    duration: now / 1000 - record.startDate,
    num_gpus: 1,
    gpu_name: "RTX 4090",
    gpu_arch: "nvidia",
    gpu_ram: 24564,
    gpu_totalram: 24564,
    gpu_util: when(0),
    gpu_temp: when(39),
    gpu_frac: 0.125,
    cuda_max_good: 12.8,
    driver_version: "570.124.06",
    cpu_name: "EPYC 7763",
    cpu_arch: "amd64",
    cpu_cores: 64,
    cpu_cores_effective: 8,
    cpu_ram: 128576,
    cpu_util: 0.02,
    mem_limit: when(31.2),
    mem_usage: when(0.4),
    vmem_usage: when(1.1),
    disk_space: record.disk,
    disk_usage: hasRun ? 2.1 : -1,
    disk_util: hasRun ? 0.05 : -1,
    disk_bw: 1500.5,
    inet_up: 880.2,
    inet_down: 910.7,
    reliability2: 0.9966,
    verification: "verified",
    rentable: true,
    geolocation: "Texas, US",
    is_bid: record.isBid,
    min_bid: 0.2,
    dph_base: 0.35,
    dph_total: 0.3551,
    storage_cost: 0.15,
    storage_total_cost: 0.0051,
    search: cost,
    instance: cost,
    os_version: "22.04",
    external: false,
    webpage: null,
    time_remaining: "",
    time_remaining_isbid: "",
    volume_info: [],
    country_code: null
  }
}
