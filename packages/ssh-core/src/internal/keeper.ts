/**
 * The keeper: one shell on the machine for each connection, that ends what the connection leaves behind.
 *
 * A server does nothing to a command whose connection is gone. So the process group of every command is told to the keeper
 * before the command begins, and the keeper, which reads from a session of the same connection, kills all that it was told
 * of when its input ends, or when no sign of life has come for the time of the lease. It needs no file and no program
 * besides the shell and `sleep`, works for every account, and as it was told ahead of the commands there is no moment at
 * which one could be lost. A spare session is told of when it is opened: a warm command pays nothing.
 */
import { Deferred, Duration, Effect, Exit, FiberSet, Result, Scope } from "effect"
import { killScript } from "@toehold/shell/ProcessGroup"
import * as SshError from "../SshError.ts"
import * as LoginWrapper from "./loginWrapper.ts"
import type { Greeted, RemoteProcess } from "./remoteProcess.ts"

export interface Keeper {
  /** Brings the keeper about, once, and waits until it is there or known not to come soon. */
  readonly begin: Effect.Effect<void>
  readonly hold: (greeted: Greeted) => void
  /** The command is over, and what it left running may stay. */
  readonly release: (greeted: Greeted) => void
  /** The command itself is over, and what is left of its group is held nonetheless. */
  readonly settle: (greeted: Greeted) => void
  /** Sends a last signal to what is left of a group that is held. */
  readonly sweep: (greeted: Greeted, signal: string) => void
  /** Kills a group whose connection is gone, where the keeper has one of its own. */
  readonly end: (greeted: Greeted) => void
  /** Runs a script of our own and gives back its one line; `undefined` where there is no keeper. */
  readonly run: (script: string) => Effect.Effect<string | undefined>
  /** Leaves its session to others, and works over a connection of its own. */
  readonly giveWay: () => void
}

/** For connections that run nothing but what ends by itself. */
export const none: Keeper = {
  begin: Effect.void,
  hold: () => undefined,
  release: () => undefined,
  settle: () => undefined,
  sweep: () => undefined,
  end: () => undefined,
  run: () => Effect.undefined,
  giveWay: () => undefined
}

export interface Options {
  /** A shell of this connection that waits for a script, or a failure at once. */
  readonly here: Effect.Effect<RemoteProcess, SshError.SshError> | undefined
  /** The same of a connection of its own, for servers that allow too few sessions. */
  readonly elsewhere: Effect.Effect<RemoteProcess, SshError.SshError, Scope.Scope>
  /** How long commands may go on without a sign of life; `undefined` for as long as the server holds the connection. */
  readonly lease: Duration.Duration | undefined
  readonly isOpen: () => boolean
}

const noSession = Effect.fail(
  SshError.make(new SshError.ChannelRefused({ request: "session", detail: "there is one only", busy: true }))
)

const isFull = ({ reason }: SshError.SshError): boolean => reason._tag === "ChannelRefused" && reason.busy

/** What `kill` takes: only `kill -SIG -PGID` works in dash, bash and BusyBox alike. */
const targetOf = ({ ownGroup, pid }: Greeted): string => (ownGroup ? `-${pid}` : String(pid))

/** Time between SIGTERM and SIGKILL. */
const graceMs = 2000

/** A keeper that ends while its connection does not is replaced this often. */
const replacements = 3

/** A command begins without a keeper when none has come up by then. */
const longestWait = Duration.seconds(5)

/** What comes between two answers at most, in bytes. */
const maxHeard = 1024 * 1024

/** Takes the group `q` off a list of groups. */
const remove = (list: string): string =>
  `case $${list} in *" $q "*) ${list}=\${${list}%%" $q "*}" "\${${list}#*" $q "};; esac`

/** How many signs of life may be missed. */
const signs = 5

/**
 * One line for any POSIX shell. `l` are the groups that are held while their leader lives, `m` those that are held
 * without one, `t` the ticks since the last sign of life; `i` is set when a tick broke off a read, which must not be taken
 * for the end of the input. Each request is one line: `h` holds a group, `f` forgets it, `e` says that its leader has
 * ended, `s` sends it a last signal, `r` runs a script, `b` is a sign of life, `q` ends the keeper and nothing else.
 *
 * A leader that has ended was a command that had ended, even if the word of it was lost with the connection: what it left
 * running stays.
 */
export const script = (lease: Duration.Duration | undefined): string => {
  const tick = lease === undefined ? 0 : Math.max(1, Math.round(Duration.toSeconds(lease) / signs))
  const forget = `${remove("l")}; ${remove("m")}`
  return [
    "exec 2>/dev/null; l=' '; m=' '; i=0; t=0; w=; IFS=' '; set -f",
    `lives() { kill -0 $1 || return 1; [ -r /proc/$1/stat ] || return 0; IFS= read -r x </proc/$1/stat; x=\${x##*) }; ` +
      `case $x in [ZX]*) return 1;; esac; }`,
    `die() { trap '' USR1 TERM; for p in $l; do lives \${p#-} && m="$m$p "; done; l=$m; for p in $l; do kill -TERM $p; done; n=0`,
    `while :; do k=' '; for p in $l; do kill -0 $p && k="$k$p "; done; l=$k`,
    `[ "$l" != ' ' ] && [ $n -lt ${graceMs / 100} ] || break; sleep 0.1 || sleep 1; n=$((n+1)); done`,
    "for p in $l; do kill -KILL $p; done",
    // The ticks and what still runs for a request are of its own group, if it has one.
    "kill -0 -$$ && kill -TERM -$$ || kill $w; exit; }",
    "trap '' HUP INT QUIT PIPE; trap die TERM",
    `trap 't=$((t+1)); i=1; [ $t -le ${signs} ] || die' USR1`,
    ...(tick === 0
      ? []
      : [
          `{ ( trap - HUP INT QUIT TERM USR1; while sleep ${tick}; do kill -USR1 $$ || exit; done ) </dev/null >/dev/null & w=$!; }`
        ]),
    `while :; do IFS= read -r x || { [ $i = 1 ] && { i=0; continue; }; die; }; i=0; q=\${x#?}; case $x in ${[
      "q) l=' '; m=' '; die",
      "b) t=0",
      'h*) l="$l$q "',
      `f*) ${forget}`,
      `e*) ${forget}; kill -0 $q && m="$m$q "`,
      `s*) x=\${q%% *}; q=\${q#* }; case "$l$m" in *" $q "*) kill -$x $q; ${forget};; esac`,
      `r*) ( trap - HUP INT QUIT TERM USR1; unset IFS; set +f; o=$(eval "\${q#* }"); echo "\${q%% *} $o" ) </dev/null &`
    ].join(";; ")} esac; done`
  ].join("; ")
}

const isUsable = (process: RemoteProcess): Effect.Effect<boolean> =>
  Effect.raceFirst(Effect.as(Deferred.await(process.greeted), true), Effect.as(Deferred.await(process.ended), false))

export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<Keeper, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const inBackground = yield* FiberSet.makeRuntime<never>()
  const holding = new Map<string, Greeted>()
  const asked = new Map<number, Deferred.Deferred<string | undefined>>()
  const settled = Deferred.makeUnsafe<void>()
  let begun = false
  let current: { readonly process: RemoteProcess; readonly isHere: boolean } | undefined
  let requests = 0
  let losses = 0
  /** Bytes since the last answer. */
  let heard = 0

  const say = (line: string): void => {
    if (current?.process.channel.writable === true) current.process.channel.write(`${line}\n`)
  }

  const onLine = (line: string): void => {
    const [id = "", ...rest] = line.split(" ")
    const waiting = asked.get(Number(id))
    if (waiting === undefined) return
    asked.delete(Number(id))
    heard = 0
    Deferred.doneUnsafe(waiting, Exit.succeed(rest.join(" ")))
  }

  /** Nobody answers any more. */
  const silence = (): void => {
    for (const waiting of asked.values()) Deferred.doneUnsafe(waiting, Exit.succeed(undefined))
    asked.clear()
  }

  const use = (process: RemoteProcess, isHere: boolean): void => {
    let line = ""
    heard = 0
    process.connect({
      stdout: (chunk) => {
        heard += chunk.length
        // Its answers are short: this is a login that goes on printing, and it can have the session to itself.
        if (heard > maxHeard) return process.pause("stdout")
        const lines = (line + chunk.toString("latin1")).split("\n")
        line = (lines.pop() ?? "").slice(-1024)
        for (const whole of lines) onLine(whole)
      },
      stderr: () => undefined
    })
    process.channel.write(LoginWrapper.readerInput(script(options.lease)))
    current = { process, isHere }
    for (const greeted of holding.values()) say(`h${targetOf(greeted)}`)
    process.channel.once("close", () => {
      if (current?.process !== process) return
      current = undefined
      silence()
      losses += 1
      if (losses <= replacements && (options.isOpen() || !isHere)) inBackground(bring(isHere))
    })
  }

  /**
   * Where no session is left for it, it has a connection of its own. Where a login runs no shell, or there is no second
   * login, commands run without it, as they would with any other client.
   */
  const bring = (isHere: boolean): Effect.Effect<void> =>
    Effect.gen(function* () {
      const attempt = isHere ? (options.here ?? noSession) : Scope.provide(options.elsewhere, scope)
      const started = yield* Effect.result(attempt)
      if (Result.isFailure(started)) return isHere && isFull(started.failure) ? yield* bring(false) : undefined
      if (yield* isUsable(started.success)) use(started.success, isHere)
    }).pipe(Effect.ensuring(Effect.sync(() => Deferred.doneUnsafe(settled, Effect.void))))

  if (options.lease !== undefined) {
    const interval = Duration.times(options.lease, 1 / (2 * signs))
    yield* Effect.sleep(interval).pipe(Effect.andThen(Effect.sync(() => say("b"))), Effect.forever, Effect.forkScoped)
  }

  return {
    begin: Effect.suspend(() => {
      if (!begun) {
        begun = true
        inBackground(bring(true))
      }
      return Effect.asVoid(Effect.timeoutOption(Deferred.await(settled), longestWait))
    }),
    hold: (greeted) => {
      holding.set(targetOf(greeted), greeted)
      say(`h${targetOf(greeted)}`)
    },
    release: (greeted) => {
      if (holding.delete(targetOf(greeted))) say(`f${targetOf(greeted)}`)
    },
    settle: (greeted) => say(`e${targetOf(greeted)}`),
    sweep: (greeted, signal) => {
      if (holding.delete(targetOf(greeted))) say(`s${signal} ${targetOf(greeted)}`)
    },
    end: (greeted) => {
      if (current === undefined || current.isHere || !holding.delete(targetOf(greeted))) return
      say(`r0 ${killScript({ ...greeted, signal: "TERM", graceMs })}`)
      say(`f${targetOf(greeted)}`)
    },
    run: (script) =>
      Effect.suspend(() => {
        if (current === undefined) return Effect.undefined
        requests += 1
        const id = requests
        const answer = Deferred.makeUnsafe<string | undefined>()
        asked.set(id, answer)
        say(`r${id} ${script}`)
        return Effect.ensuring(
          Deferred.await(answer),
          Effect.sync(() => asked.delete(id))
        )
      }),
    giveWay: () => {
      if (current?.isHere !== true) return
      const { process } = current
      current = undefined
      silence()
      // What it holds, the next one is told of; without this line it would take the end of its input for the end of all.
      process.channel.end("q\n")
      inBackground(bring(false))
    }
  }
})
