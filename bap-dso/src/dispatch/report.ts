/** Reports of a fan-out: the fullest is kept, whatever order they come in, and the two latency figures come from it. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import type { DispatchReport } from '@flexder/protocol/flexibility/model.ts';

/** A report only ever grows: a closed one beats an open one, then the one with more commands and more answers. */
export function mergeDispatch(
  known: DispatchReport | null | undefined,
  reported: DispatchReport | undefined,
): DispatchReport | undefined {
  if (!known || !reported) return reported ?? known ?? undefined;
  const [before, after] = [known.revision ?? 0, reported.revision ?? 0];
  // A change of the order counts its devices anew.
  if (before !== after) return before > after ? known : reported;
  if (known.closed !== reported.closed) return known.closed ? known : reported;
  if (known.commands !== reported.commands) return known.commands > reported.commands ? known : reported;
  return answersOf(known) > answersOf(reported) ? known : reported;
}

function answersOf(report: DispatchReport): number {
  return report.accepted + report.rejected + report.optedOut + report.expired;
}

/** A report as inputs of an audit record; `answersOfRecord` reads it back. */
export function answersRecord(report: DispatchReport): Record<string, number | boolean | string | null> {
  return {
    commands: report.commands,
    accepted: report.accepted,
    rejected: report.rejected,
    opted_out: report.optedOut,
    expired: report.expired,
    silent: report.silent,
    acknowledged_kw: report.acknowledgedKw,
    answers_closed: report.closed,
    first_command_at: isoOf(report.firstAtMs),
    last_command_at: isoOf(report.lastAtMs),
  };
}

const isoOf = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

/** Undefined of a record that tells of no answers. */
export function answersOfRecord({ rule_inputs: inputs }: Pick<AuditRecord, 'rule_inputs'>): DispatchReport | undefined {
  if (typeof inputs?.acknowledged_kw !== 'number') return undefined;
  const number = (name: string) => Number(inputs[name] ?? 0);
  const instant = (name: string) => (typeof inputs[name] === 'string' ? Date.parse(inputs[name]) : null);
  return {
    commands: number('commands'),
    accepted: number('accepted'),
    rejected: number('rejected'),
    optedOut: number('opted_out'),
    expired: number('expired'),
    silent: number('silent'),
    acknowledgedKw: inputs.acknowledged_kw,
    closed: inputs.answers_closed === true,
    firstAtMs: instant('first_command_at'),
    lastAtMs: instant('last_command_at'),
  };
}

export interface LatencyFigures {
  /** From the receipt of the sample to the last command handed to the broker, as the BPP reports it. */
  readonly detection_to_dispatch_ms: number | null;
  /** From the receipt of the sample to the receipt of the report that counts every answer. */
  readonly detection_to_ack_ms: number | null;
}

/** Wall time, milliseconds; a figure that is known stays. */
export function latencies(
  order: LatencyFigures & { readonly trigger_wall_at: Date },
  dispatch: DispatchReport | undefined,
  receivedAtMs: number,
): LatencyFigures {
  const triggerMs = order.trigger_wall_at.getTime();
  const dispatched =
    dispatch?.lastAtMs === null || dispatch?.lastAtMs === undefined ? null : dispatch.lastAtMs - triggerMs;
  return {
    detection_to_dispatch_ms: dispatched ?? order.detection_to_dispatch_ms,
    detection_to_ack_ms: order.detection_to_ack_ms ?? (dispatch?.closed ? receivedAtMs - triggerMs : null),
  };
}
