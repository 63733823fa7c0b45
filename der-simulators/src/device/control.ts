import type { DeviceAck, DeviceCommand } from '@flexder/schemas/types.ts';
import { REMEMBERED_ANSWERS } from '../limits.ts';
import type { DerManifest, DerType, Unable } from '../model.ts';
import type { Temper } from './behaviour.ts';

/** The order a device serves: one at a time. Instants are grid time. */
export interface Hold {
  readonly commandId: string;
  readonly sequence: number;
  readonly orderId: string;
  readonly targetKw: number;
  readonly startMs: number;
  /** End of the window, or the instant of an earlier RELEASE: from here on another order may take over. */
  readonly stopMs: number;
  /** The device returns by itself here: stop_at + release_delay_s, or earlier after a RELEASE. */
  readonly endMs: number;
  readonly started: boolean;
  readonly failed: boolean;
}

export interface Answer {
  readonly commandId: string;
  readonly sequence: number;
  readonly result: DeviceAck['result'];
  readonly reason?: string;
}

export interface ControlState {
  /** Highest sequence read; lower and equal ones are out of date. */
  readonly sequence: number;
  readonly hold: Hold | null;
  /** The final answer per command, oldest first, to be repeated word for word. */
  readonly answers: ReadonlyMap<string, Answer>;
}

export type Ignored = 'silent' | 'stale-sequence';
export interface Controlled {
  readonly state: ControlState;
  /** To be published, in this order. */
  readonly answers: readonly Answer[];
  readonly ignored?: Ignored;
  /** True when a known command was answered again without being executed again. */
  readonly repeated?: boolean;
}

export interface ControlFacts {
  readonly der: DerManifest;
  readonly temper: Temper;
  readonly nowMs: number;
}

export const INITIAL_CONTROL: ControlState = { sequence: -1, hold: null, answers: new Map() };

const COMMAND_OF: Record<DerType, DeviceCommand['type']> = {
  battery: 'DISPATCH_SETPOINT',
  'ev-charger': 'IMPORT_CAPACITY_LIMIT',
  'heat-pump': 'CONTROL_SETPOINT',
};
/** Meters round: a target this far beyond a rating is still the rating. */
const TOLERANCE_KW = 0.01;

function lifeCycle(hold: Hold, result: Answer['result'], reason?: string): Answer {
  return { commandId: hold.commandId, sequence: hold.sequence, result, ...(reason && { reason }) };
}

function remembered(state: ControlState, answer: Answer, hold: Hold | null): ControlState {
  const answers = new Map(state.answers).set(answer.commandId, answer);
  for (const oldest of answers.keys()) {
    if (answers.size <= REMEMBERED_ANSWERS) break;
    answers.delete(oldest);
  }
  return { sequence: Math.max(state.sequence, answer.sequence), hold, answers };
}

function lowestTargetKw({ params }: DerManifest): number {
  return params.kind === 'battery' ? -params.maxExportKw : 0;
}

/** Why this device does not take the command; undefined when it does. */
function objection(
  state: ControlState,
  command: DeviceCommand,
  { der, temper, nowMs }: ControlFacts,
): [Answer['result'], string] | undefined {
  if (nowMs > Date.parse(command.valid_until)) return ['EXPIRED', 'VALID_UNTIL_PASSED'];
  if (command.type === 'RELEASE') return undefined;
  if (nowMs >= Date.parse(command.stop_at)) return ['EXPIRED', 'WINDOW_OVER'];
  if (temper.behaviour === 'opted-out') return ['OPTED_OUT', 'CUSTOMER_OPT_OUT'];
  if (temper.behaviour === 'refusing') return ['REJECTED', 'LOCAL_FAULT'];
  if (command.type !== COMMAND_OF[der.type]) return ['REJECTED', 'UNSUPPORTED_COMMAND'];
  if (command.target_kw < lowestTargetKw(der) - TOLERANCE_KW) return ['REJECTED', 'TARGET_BELOW_LIMIT'];
  if (command.target_kw > der.ratedKw + TOLERANCE_KW) return ['REJECTED', 'TARGET_ABOVE_LIMIT'];
  if (Date.parse(command.start_at) >= Date.parse(command.stop_at)) return ['REJECTED', 'EMPTY_WINDOW'];
  if (state.hold && nowMs < state.hold.stopMs && state.hold.orderId !== command.order_id)
    return ['REJECTED', 'SERVING_ANOTHER_ORDER'];
  return undefined;
}

function released(state: ControlState, command: DeviceCommand, nowMs: number): Hold | null {
  if (state.hold?.orderId !== command.order_id) return state.hold;
  const endMs = Math.min(state.hold.endMs, nowMs + command.release_delay_s * 1000);
  return { ...state.hold, stopMs: Math.min(state.hold.stopMs, nowMs), endMs };
}

function held(command: DeviceCommand): Hold {
  return {
    commandId: command.command_id,
    sequence: command.sequence,
    orderId: command.order_id,
    targetKw: command.target_kw,
    startMs: Date.parse(command.start_at),
    stopMs: Date.parse(command.stop_at),
    endMs: Date.parse(command.stop_at) + command.release_delay_s * 1000,
    started: false,
    failed: false,
  };
}

/**
 * What a device does with a command that passed its schema. A known `command_id` is answered as before and not executed
 * again; a sequence that is not higher is ignored; the rest ends in one of ACCEPTED, REJECTED, OPTED_OUT, EXPIRED, or in
 * silence when the device is of that kind.
 */
export function onCommand(state: ControlState, command: DeviceCommand, facts: ControlFacts): Controlled {
  if (facts.temper.behaviour === 'silent') return { state, answers: [], ignored: 'silent' };
  const base = { commandId: command.command_id, sequence: command.sequence };
  if (command.der_id !== facts.der.derId) {
    // Not remembered: the command belongs to another device, whose id must stay usable there and here.
    return { state, answers: [{ ...base, result: 'REJECTED', reason: 'DER_ID_MISMATCH' }] };
  }
  const known = state.answers.get(command.command_id);
  if (known) return { state, answers: [known], repeated: true };
  if (command.sequence <= state.sequence) return { state, answers: [], ignored: 'stale-sequence' };
  const no = objection(state, command, facts);
  if (no) {
    const answer: Answer = { ...base, result: no[0], reason: no[1] };
    return { state: remembered(state, answer, state.hold), answers: [answer] };
  }
  const answer: Answer = { ...base, result: 'ACCEPTED' };
  const isRelease = command.type === 'RELEASE';
  const hold = isRelease ? released(state, command, facts.nowMs) : held(command);
  const replaced =
    !isRelease && state.hold && !state.hold.failed ? [lifeCycle(state.hold, 'COMPLETED', 'REPLACED')] : [];
  const later = onTime(remembered(state, answer, hold), facts.nowMs);
  return { state: later.state, answers: [answer, ...replaced, ...later.answers] };
}

/** What is due at an instant: the start of a hold, its end. */
export function onTime(state: ControlState, nowMs: number): Controlled {
  const { hold } = state;
  if (!hold) return { state, answers: [] };
  if (nowMs >= hold.endMs) {
    const answers = hold.failed
      ? []
      : [lifeCycle(hold, 'COMPLETED', hold.started ? undefined : 'RELEASED_BEFORE_START')];
    return { state: { ...state, hold: null }, answers };
  }
  if (hold.started || nowMs < hold.startMs) return { state, answers: [] };
  return { state: { ...state, hold: { ...hold, started: true } }, answers: [lifeCycle(hold, 'STARTED')] };
}

/** The body could not follow: said once per command. */
export function onUnable(state: ControlState, reason: Unable): Controlled {
  const { hold } = state;
  if (!hold?.started || hold.failed) return { state, answers: [] };
  return { state: { ...state, hold: { ...hold, failed: true } }, answers: [lifeCycle(hold, 'FAILED', reason)] };
}

/** When `onTime` is next to be called; undefined while nothing is held. */
export function nextInstantMs({ hold }: ControlState): number | undefined {
  if (!hold) return undefined;
  return hold.started ? hold.endMs : Math.min(hold.startMs, hold.endMs);
}
