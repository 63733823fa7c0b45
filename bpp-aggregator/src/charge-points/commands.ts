/** A device command over OCPP: which calls it takes, and what the charge point's answers mean. */
import type { DeviceAck, DeviceCommand } from '@flexder/schemas/types.ts';
import {
  clearOurs,
  clearProfile,
  type Limit,
  limitOfCommand,
  type ProfilePlan,
  profileIdOf,
  type RateUnit,
  setProfile,
  type Transaction,
  type Version,
} from './profile.ts';

/** A CALLERROR, or a CALLRESULT that says how it went. */
export interface Answer {
  readonly status: string;
  /** It is a CALLERROR, and `status` its code. */
  readonly isError?: boolean;
  /** 2.0.1: why. */
  readonly statusInfo?: { readonly reasonCode?: string };
}

/** Undefined: no answer, or it was too late to ask. */
export type Call = (method: string, params: object) => Promise<Answer | undefined>;

export interface Outcome {
  readonly result: Extract<DeviceAck['result'], 'ACCEPTED' | 'REJECTED'>;
  readonly reason?: string;
}

/** A charge point as it is commanded. */
export interface Commanded {
  readonly version: Version;
  readonly phases: 1 | 3;
  readonly unit: RateUnit;
  readonly transaction: Transaction | undefined;
  /** It has said that it limits transactions only. */
  limitsTransactions: boolean;
  /** Limits it has accepted, by order. */
  readonly held: Map<number, Limit>;
  readonly call: Call;
  /** The limit of an order as the tables have it. */
  activationOf(orderNo: number): Promise<Limit | undefined>;
  /** Grid time. */
  nowMs(): number;
}

/** Undefined when the charge point did not answer: it is silent. */
export async function execute(to: Commanded, orderNo: number, command: DeviceCommand): Promise<Outcome | undefined> {
  if (command.type === 'RELEASE') return release(to, orderNo, command);
  if (command.type !== 'IMPORT_CAPACITY_LIMIT') return { result: 'REJECTED', reason: 'not a command of a charger' };
  return limit(to, orderNo, limitOfCommand(command));
}

async function limit(to: Commanded, orderNo: number, asked: Limit): Promise<Outcome | undefined> {
  const plan = { ...asked, profileId: profileIdOf(orderNo), phases: to.phases, unit: to.unit };
  let answer = await set(to, plan);
  if (answer?.status === 'Rejected' && answer.statusInfo?.reasonCode === 'DuplicateProfile') {
    // An order that ends is still letting go: 2.0.1 has no two profiles of one level at one time.
    await to.call('ClearChargingProfile', clearOurs());
    answer = await set(to, plan);
  }
  if (answer && isUnsupported(answer) && !to.limitsTransactions && to.transaction) {
    to.limitsTransactions = true;
    answer = await set(to, plan);
  }
  if (answer?.status === 'Accepted') hold(to, orderNo, asked);
  return outcomeOf(answer);
}

function set(to: Commanded, plan: ProfilePlan): Promise<Answer | undefined> {
  const transaction = to.limitsTransactions ? to.transaction : undefined;
  return to.call('SetChargingProfile', setProfile(to.version, { ...plan, ...(transaction && { transaction }) }));
}

/** It knows the call, but not a limit of this purpose. */
function isUnsupported({ status, statusInfo, isError = false }: Answer): boolean {
  if (isError) return false;
  return status === 'NotSupported' || (status === 'Rejected' && /^Unsupported/.test(statusInfo?.reasonCode ?? ''));
}

/**
 * Lets go: at once, or after the device's own delay by the same profile with an earlier end, so that a whole feeder does
 * not return in one second, and each returns even when nobody is here to tell it.
 */
async function release(to: Commanded, orderNo: number, command: DeviceCommand): Promise<Outcome | undefined> {
  const endMs = to.nowMs() + command.release_delay_s * 1000;
  const held = command.release_delay_s === 0 ? undefined : (to.held.get(orderNo) ?? (await to.activationOf(orderNo)));
  if (held && held.startMs < endMs && to.nowMs() < held.endMs) {
    const eased = await limit(to, orderNo, { ...held, endMs: Math.min(endMs, held.endMs) });
    if (eased === undefined || eased.result === 'ACCEPTED') return eased;
  }
  const answer = await to.call('ClearChargingProfile', clearProfile(to.version, profileIdOf(orderNo)));
  to.held.delete(orderNo);
  // Unknown: there is no such limit, so it has let go.
  return outcomeOf(answer?.status === 'Unknown' ? { status: 'Accepted' } : answer);
}

function hold(to: Commanded, orderNo: number, limit: Limit): void {
  for (const [other, { endMs }] of to.held) if (endMs <= to.nowMs()) to.held.delete(other);
  to.held.set(orderNo, limit);
}

/** Reasons are text of the charge point's: one line, as the contract of devices has it. */
function outcomeOf(answer: Answer | undefined): Outcome | undefined {
  if (!answer) return undefined;
  if (answer.status === 'Accepted') return { result: 'ACCEPTED' };
  const why = [answer.status, answer.statusInfo?.reasonCode].filter((part) => part !== undefined).join(': ');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out.
  const reason = why.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ').slice(0, 200);
  return { result: 'REJECTED', ...(reason !== '' && { reason }) };
}
