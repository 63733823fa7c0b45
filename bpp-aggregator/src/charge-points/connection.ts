import type { Context } from '@flexder/runtime/context.ts';
import { publishAllowance } from '@flexder/runtime/engines/bus/rate.ts';
import type { DeviceAck, DeviceCommand, DeviceTelemetry } from '@flexder/schemas/types.ts';
import type { RPCClient } from 'ocpp-rpc';
import type { FleetDer } from '../portfolio/der.ts';
import { type Answer, type Commanded, execute } from './commands.ts';
import { configure } from './configure.ts';
import { OCPP_LIMITS } from './limits.ts';
import type { Handlers, Speaker } from './messages.ts';
import { type Limit, phasesOf, type RateUnit, type Version } from './profile.ts';
import { type MeterState, Station } from './station.ts';
import { V16 } from './v16.ts';
import { V201 } from './v201.ts';

/** What the library makes of a connection; `session` is what its login found. */
export type RpcClient = RPCClient & { readonly session: unknown };

export interface ConnectionDeps {
  readonly context: Context;
  /** An answer that comes later is no longer counted. */
  readonly answerMs: number;
  /** What the charge point says, in the words of the device contract. */
  hear(kind: 'telemetry' | 'ack', body: DeviceTelemetry | DeviceAck): void;
  activationOf(orderNo: number): Promise<Limit | undefined>;
}

const HANDLERS: Readonly<Record<Version, Handlers>> = { 'ocpp1.6': V16, 'ocpp2.0.1': V201 };

type Job = () => Promise<void>;

/** One charge point while it is connected: its messages, and one call at a time to it, commands first. */
export class Connection {
  readonly der: FleetDer;
  readonly #client: RpcClient;
  readonly #deps: ConnectionDeps;
  readonly #version: Version;
  readonly #station: Station;
  readonly #held = new Map<number, Limit>();
  readonly #commands: Job[] = [];
  readonly #questions: Job[] = [];
  readonly #commanded: Omit<Commanded, 'call' | 'unit' | 'transaction'>;
  #unit: RateUnit = 'A';
  #running = false;
  #introduced = false;
  #closed = false;
  /** The answer under way was no valid OCPP. */
  #invalid = false;

  constructor(client: RpcClient, der: FleetDer, meter: MeterState | undefined, deps: ConnectionDeps) {
    this.der = der;
    this.#client = client;
    this.#deps = deps;
    this.#version = client.protocol as Version;
    this.#station = new Station(der.derId, der.ratedKw, meter);
    this.#commanded = {
      version: this.#version,
      phases: phasesOf(der.ratedKw),
      limitsTransactions: false,
      held: this.#held,
      activationOf: deps.activationOf,
      nowMs: () => deps.context.grid.nowMs(),
    };
    this.#listen();
  }

  /** Takes a command; false when it is too late for it, or too many wait. */
  send(orderNo: number, command: DeviceCommand): boolean {
    if (this.#closed || this.#isLate(command) || this.#commands.length >= OCPP_LIMITS.pendingCommands) return false;
    this.#commands.push(() => this.#execute(orderNo, command));
    void this.#run();
    return true;
  }

  close(code: number, reason: string): void {
    this.#closed = true;
    void this.#client.close({ code, reason }).catch(() => {});
  }

  #listen(): void {
    const { metrics, log } = this.#deps.context;
    const client = this.#client;
    const speaker = this.#speaker();
    const maySpeak = publishAllowance(OCPP_LIMITS.messagesPerSecond, OCPP_LIMITS.messagesAtOnce, () =>
      this.#deps.context.wall.monotonicMs(),
    );
    for (const [action, handler] of Object.entries(HANDLERS[this.#version])) {
      client.handle(action, (async ({ params }: { params?: unknown }) => {
        const answer = handler(params, speaker);
        this.#introduce();
        return answer;
      }) as never);
    }
    client.on('message', ({ outbound }: { outbound: boolean }) => {
      if (outbound || this.#closed || maySpeak()) return;
      metrics.count('ocpp_closed', { reason: 'flood' });
      log.warn({ derId: this.der.derId }, 'a charge point floods: its connection is ended');
      this.#closed = true;
      void client.close({ force: true }).catch(() => {});
    });
    client.on('badMessage', () => metrics.count('ocpp_message_dropped', { reason: 'no-ocpp' }));
    client.on('strictValidationFailure', ({ outbound, isCall }: { outbound: boolean; isCall: boolean }) => {
      if (!outbound && !isCall) this.#invalid = true;
      metrics.count('ocpp_message_dropped', { reason: outbound ? 'ours-invalid' : 'invalid' });
    });
    client.on('close', () => {
      this.#closed = true;
      this.#commands.length = 0;
      this.#questions.length = 0;
    });
  }

  #speaker(): Speaker {
    const { context, hear } = this.#deps;
    const station = this.#station;
    let odd = 0;
    return {
      station,
      nowMs: () => context.grid.nowMs(),
      dispatched: () => {
        const nowMs = context.grid.nowMs();
        return [...this.#held.values()].some(({ startMs, endMs }) => startMs <= nowMs && nowMs < endMs);
      },
      heard: (reading) => {
        if (typeof reading !== 'string') hear('telemetry', reading);
        else context.metrics.count('ocpp_message_dropped', { reason: reading });
        if (station.odd > odd) context.metrics.count('ocpp_register_jumps', {}, station.odd - odd);
        odd = station.odd;
      },
      // 31 bits: an integer in every charge point.
      transactionId: () => (Buffer.from(context.ids.secret(4)).readUInt32BE() >>> 1) + 1,
    };
  }

  /** Once, after its first message: before that it may not be ready for ours. */
  #introduce(): void {
    if (this.#introduced) return;
    this.#introduced = true;
    this.#questions.push(async () => {
      this.#unit = await configure(this.#version, (method, params) =>
        this.#client.call(method, params, { callTimeoutMs: OCPP_LIMITS.configureMs }).catch(() => undefined),
      );
    });
    setImmediate(() => void this.#run());
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let job = this.#next(); job && !this.#closed; job = this.#next()) await job();
    } catch (error) {
      const { log } = this.#deps.context;
      log.error({ derId: this.der.derId, error: String(error) }, 'a charge point could not be called');
    } finally {
      this.#running = false;
    }
  }

  #next(): Job | undefined {
    return this.#commands.shift() ?? this.#questions.shift();
  }

  async #execute(orderNo: number, command: DeviceCommand): Promise<void> {
    const { context, hear } = this.#deps;
    const { transaction } = this.#station;
    const to = Object.assign(this.#commanded, {
      unit: this.#unit,
      transaction,
      call: (method: string, params: object) => this.#call(command, method, params),
    });
    const outcome = await execute(to, orderNo, command);
    if (!outcome) return context.metrics.count('ocpp_commands_unanswered');
    const { command_id, der_id, sequence } = command;
    hear('ack', { v: 1, command_id, der_id, sequence, ...outcome, ts: new Date(context.grid.nowMs()).toISOString() });
  }

  async #call(command: DeviceCommand, method: string, params: object): Promise<Answer | undefined> {
    if (this.#isLate(command) || this.#closed) return undefined;
    this.#invalid = false;
    try {
      return (await this.#client.call(method, params, { callTimeoutMs: this.#deps.answerMs })) as Answer;
    } catch (error) {
      const code = (error as { rpcErrorCode?: unknown }).rpcErrorCode;
      // A CALLERROR is an answer; a timeout, a broken connection and what is no OCPP are none.
      return typeof code === 'string' && !this.#invalid ? { status: code, isError: true } : undefined;
    }
  }

  #isLate(command: DeviceCommand): boolean {
    return this.#deps.context.grid.nowMs() >= Date.parse(command.valid_until);
  }
}
