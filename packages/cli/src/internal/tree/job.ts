/** `toehold job`: long work that outlives its connection. */
import { commandFlags } from "../commandFlags.ts"
import type { ArgumentSpec, CommandSpec, FlagSpec } from "../commandSpec.ts"
import { machineArgument, machineFlags } from "../machineFlags.ts"

const jsonFlag: FlagSpec = { name: "json", summary: "Print one JSON document" }
const id: ArgumentSpec = { name: "ID", summary: "the job's name" }

const status =
  '{"id","state","exitCode","signal","startedAt","endedAt","stdoutBytes","stderrBytes","lostTo","timedOut","pid","command","cwd"}'

const load = () => import("../command/job.ts")

export const job: CommandSpec = {
  name: "job",
  summary: "Run long work that outlives the connection, and look after it",
  description: [
    "A job runs on without a client, and keeps its output and its end on the machine. Nothing needs to be installed",
    "there. To start a job again under the same name starts nothing twice: it finds the one that is there."
  ].join("\n"),
  children: [
    {
      name: "start",
      summary: "Start a command as a job, and print its name",
      description: [
        "Returns when the job runs. When the connection is lost meanwhile, give the same --name again to find out whether",
        "it started. The command reads nothing unless --stdin is given, up to 64 MiB."
      ].join("\n"),
      arguments: [machineArgument],
      rest: "CMD [ARG...]",
      flags: [
        { name: "name", value: "NAME", summary: "What the job is called (default: a new name)" },
        ...commandFlags,
        {
          name: "timeout",
          value: "DURATION",
          summary: "The machine ends the job after this time: SIGTERM, 10 s later SIGKILL"
        },
        {
          name: "max-output",
          value: "SIZE",
          summary: "Bytes kept of each stream on the machine, the newest (default: 256MiB)"
        },
        jsonFlag,
        ...machineFlags
      ],
      examples: [
        { command: "toehold job start web --name train --timeout 12h -- python3 train.py", summary: "a long run" },
        { command: "toehold job logs web train --follow", summary: "its output, from the first byte to its end" },
        { command: "toehold job wait web train --json", summary: "how it ended" }
      ],
      document: status,
      load: () => load().then(({ jobStart }) => jobStart)
    },
    {
      name: "list",
      summary: "The jobs of a machine",
      arguments: [machineArgument],
      flags: [jsonFlag, ...machineFlags],
      document: '{"jobs":[...]}, each as of job status',
      load: () => load().then(({ jobList }) => jobList)
    },
    {
      name: "status",
      summary: "How a job does",
      arguments: [machineArgument, id],
      flags: [jsonFlag, ...machineFlags],
      document: status,
      load: () => load().then(({ jobStatus }) => jobStatus)
    },
    {
      name: "logs",
      summary: "What a job printed",
      description: [
        "Writes one stream of it as it is, from an offset on. Offsets count what the job printed: what was cut off for the",
        "job's --max-output is named on stderr, and the rest has the offsets that it always had. --follow goes on until the",
        "job ends, over any number of lost connections."
      ].join("\n"),
      arguments: [machineArgument, id],
      flags: [
        { name: "from", value: "OFFSET", summary: "Begin at this byte (default: 0)" },
        { name: "stream", value: "STREAM", choices: ["stdout", "stderr"], summary: "Which stream (default: stdout)" },
        { name: "follow", summary: "Go on until the job ends" },
        { name: "json", summary: "Print one JSON document, up to 256KiB; with --follow one a line" },
        ...machineFlags
      ],
      examples: [
        {
          command: "toehold job logs web train --json --from 4096",
          summary: "a piece; its nextOffset is the next --from"
        },
        { command: "toehold job logs web train --follow", summary: "all of it, as it comes" }
      ],
      document: '{"data","encoding","offset","nextOffset","done","gap"?:{"from","to"}}',
      load: () => load().then(({ jobLogs }) => jobLogs)
    },
    {
      name: "wait",
      summary: "Wait for a job's end",
      description: "Exits with 0 when the job exited with 0, with 1 when it came to any other end.",
      arguments: [machineArgument, id],
      flags: [
        { name: "timeout", value: "DURATION", summary: "Wait no longer than this; the job goes on (exit code 124)" },
        jsonFlag,
        ...machineFlags
      ],
      document: status,
      load: () => load().then(({ jobWait }) => jobWait)
    },
    {
      name: "kill",
      summary: "End a job, with all its processes",
      description: "Sends SIGTERM, and 10 s later SIGKILL to what is left. A job that is over stays what it is.",
      arguments: [machineArgument, id],
      flags: [
        { name: "signal", value: "SIGNAL", summary: "Send this signal instead, such as INT or USR1, and no SIGKILL" },
        jsonFlag,
        ...machineFlags
      ],
      document: status,
      load: () => load().then(({ jobKill }) => jobKill)
    },
    {
      name: "forget",
      summary: "Remove a job that is over, with its output",
      arguments: [machineArgument, id],
      flags: [jsonFlag, ...machineFlags],
      document: '{"id"}',
      load: () => load().then(({ jobForget }) => jobForget)
    },
    {
      name: "prune",
      summary: "Remove the jobs that are over",
      arguments: [machineArgument],
      flags: [
        { name: "older-than", value: "DURATION", summary: "Only those that ended this long ago" },
        jsonFlag,
        ...machineFlags
      ],
      document: '{"removed":[...]}, each as of job status',
      load: () => load().then(({ jobPrune }) => jobPrune)
    }
  ]
}
