import { Effect } from "effect"
import type { VastClient } from "../../src/VastClient.ts"
import type { VastError } from "../../src/VastError.ts"

type Service = VastClient["Service"]
export type Case = readonly [call: (client: Service) => Effect.Effect<unknown, VastError>, expected: unknown]

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy alice@laptop"

const show = (id: number, expected: unknown): Case => [
  ({ instances }) => Effect.map(instances.show(id), (it) => [it.id, it.actual_status, it.status_msg, it.public_ipaddr]),
  expected
]
const running = "success, running vastai/base-image_cuda-12.8.1-auto/ssh"
const create = (offer: number, expected: unknown): Case => [
  ({ instances }) => Effect.map(instances.create(offer, { image: "x" }), (made) => [made.instance, made.adopted]),
  expected
]
const call = (of: Case[0], expected: unknown): Case => [of, expected]

/** What each fixture means: a value, or the tag of a reason. */
export const cases: Readonly<Record<string, Case>> = {
  "10": show(41000001, [41000001, "running", running, "203.0.113.11"]),
  "11": show(41000002, [41000002, null, null, "203.0.113.12"]),
  "12": show(41000002, [41000002, "loading", "f1555660aa88: Download complete", "203.0.113.12"]),
  "13": show(41000003, [41000003, "running", running, "203.0.113.11"]),
  "14": show(41000004, [41000004, "running", "success, running pytorch/pytorch_latest/jupyter", "203.0.113.11"]),
  "15": show(41000005, [
    41000005,
    "loading",
    "Error response from daemon: manifest for vastai/test:nope not found: manifest unknown",
    "203.0.113.12"
  ]),
  "16": show(41000006, [
    41000006,
    "created",
    "Error: OCI runtime create failed: nvidia-container-cli: device error: unknown device",
    "203.0.113.12"
  ]),
  "17": show(41000007, [41000007, "exited", running, "203.0.113.11"]),
  "18": show(41000008, [41000008, "offline", running, "203.0.113.11"]),
  "19": show(49999999, "NotFound"),
  "19b": show(41000001, [41000001, "running", running, "203.0.113.11"]),
  "21": call(
    ({ instances }) => Effect.map(instances.list, (all) => all.map(({ id }) => id)),
    [41000003, 41000004, 41000005, 41000007]
  ),
  "22": call(({ instances }) => instances.list, "Gone"),
  "23": call(({ instances }) => instances.list, "InvalidRequest"),
  "30": call(({ sshKeys }) => Effect.map(sshKeys.list, (keys) => keys.map(({ id }) => id)), [501, 502]),
  "31": call(({ sshKeys }) => Effect.map(sshKeys.list, (keys) => keys.map(({ public_key }) => public_key)), [key]),
  "32": call(
    ({ sshKeys }) =>
      Effect.map(
        sshKeys.create("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1 ci@runner"),
        ({ id }) => id
      ),
    503
  ),
  "33": call(({ sshKeys }) => sshKeys.create(""), "InvalidRequest"),
  "34": call(({ sshKeys }) => sshKeys.create(key), "InvalidRequest"),
  "35": call(({ sshKeys }) => sshKeys.remove(503), undefined),
  "36": call(
    ({ instanceKeys }) => instanceKeys.list(41000001),
    [{ id: 501, name: "alice@laptop", public_key: key, created_at: null }]
  ),
  "37": call(({ instanceKeys }) => instanceKeys.attach(41000001, key), "attached"),
  "38": call(({ instanceKeys }) => instanceKeys.attach(41000001, key), "already-attached"),
  "39": call(({ instanceKeys }) => instanceKeys.attach(49999999, key), "NotFound"),
  "3a": call(({ instanceKeys }) => instanceKeys.detach(41000001, 501), undefined),
  "40": call(
    ({ offers }) =>
      Effect.map(offers.search({ filters: { num_gpus: { eq: 1 } } }), (all) =>
        all.map(({ id, gpu_name }) => [id, gpu_name])
      ),
    [[12345678, "RTX 4090"]]
  ),
  "41": call(({ offers }) => offers.search(), "InvalidRequest"),
  "42": create(12345678, [41000002, false]),
  "43": create(12345679, "BilledButFailed"),
  "44": create(1, "NoSuchOffer"),
  "45": create(2, "NoSuchOffer"),
  "46": create(3, "InvalidRequest"),
  "50": call(({ instances }) => instances.stop(41000001), undefined),
  "51": call(({ instances }) => instances.label(49999999, "x"), "NotFound"),
  "52": call(({ instances }) => instances.reboot(41000001), undefined),
  "53": call(({ instances }) => instances.recycle(41000001), undefined),
  "54": call(({ instances }) => instances.destroy(41000001), "destroyed"),
  "55": call(({ instances }) => instances.destroy(41000001), "already-gone"),
  "63": call(({ instances }) => instances.execute(41000001, "nvidia-smi"), "InvalidRequest"),
  "70": call(({ user }) => Effect.map(user, ({ id, credit }) => [id, credit]), [7001, 25]),
  "71": call(({ user }) => user, "Unauthorized"),
  "72": call(({ instances }) => instances.list, "Unauthorized"),
  "73": call(({ user }) => user, "TwoFactorRequired"),
  "74": call(({ envVars }) => Effect.map(envVars.list, (vars) => Object.keys(vars)), ["HF_TOKEN", "WANDB_API_KEY"]),
  "75": call(
    ({ apiKeys }) => Effect.map(apiKeys.list, (keys) => keys.map(({ id, rights }) => [id, rights])),
    [[88, "read"]]
  ),
  "76": call(
    ({ templates }) => Effect.map(templates(), (all) => all.map(({ id, name }) => [id, name])),
    [[334548, "Base"]]
  ),
  "77": call(({ volumes }) => Effect.map(volumes, (all) => all.map(({ id }) => id)), [20118481]),
  "78": call(({ instances }) => instances.copyAddress("./data/", { instance: 41000001, path: "/workspace/" }), {
    host: "203.0.113.11",
    port: 33500
  }),
  "79": call(
    ({ instances }) =>
      instances.copy({ instance: 41000001, path: "/workspace/" }, { instance: 41000003, path: "/workspace/" }),
    undefined
  ),
  "80": call(({ offers }) => offers.gpuNames, ["RTX 4090", "H100 SXM"]),
  "90": call(({ instances }) => instances.list, "RateLimited"),
  "91": call(({ instances }) => instances.stop(41000001), "RateLimited"),
  "92": call(({ instances }) => instances.destroy(41000001), "RateLimited"),
  "93": call(({ instances }) => instances.list, "ServerError")
}
