/** `toehold image`, as it is called. */
import type { CommandSpec } from "../commandSpec.ts"
import { machineFlags } from "../machineFlags.ts"

export const image: CommandSpec = {
  name: "image",
  summary: "What an image needs for agent sessions",
  children: [
    {
      name: "check",
      summary: "Say what an image lacks for agent sessions",
      description: [
        "Looks at the files of an unpacked root file system (a folder, given as a path), or at those of a machine that",
        "runs. The exit code is 1 where something is missing that a session needs; what is only advised changes nothing."
      ].join("\n"),
      arguments: [
        { name: "ROOTFS|MACHINE", summary: "a folder (./rootfs, /mnt), or a machine as everywhere", isFile: true }
      ],
      flags: [{ name: "json", summary: "Print one JSON document" }, ...machineFlags],
      examples: [
        { command: "toehold image check ./rootfs", summary: "an image, before it is packed" },
        { command: "toehold image check root@10.0.100.20 --json", summary: "a machine that runs" }
      ],
      document: '{"findings":[{"name","state":"ok"|"missing"|"advised"|"unknown","detail","fix"}],"ready"}',
      load: () => import("../command/image.ts").then(({ imageCheck }) => imageCheck)
    }
  ]
}
