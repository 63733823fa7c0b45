/** Who decides: for each feeder and kind of overload, the rule, the operator within a time, or the operator alone. */
import { z } from 'zod';
import { DECISION_COUNTDOWN_S, MODES } from '../../limits.ts';
import type { PlanOption } from '../planning/options.ts';

const positive = z.number().positive();

export const modeSchema = z.strictObject({
  /** Absent: every feeder. */
  feederId: z.string().min(1).max(64).optional(),
  /** How the overload was found; absent: either way. */
  severity: z.enum(['measured', 'forecast']).optional(),
  /**
   * `automatic`: the recommended option is bought at once, within the limits below, else it is `supervised`.
   * `supervised`: the operator has `countdownSeconds`, then `onDue` holds. `manual`: nothing is bought without the operator.
   */
  mode: z.enum(['automatic', 'supervised', 'manual']),
  approveKw: positive.optional(),
  /** Of the whole window. */
  approveGbp: positive.optional(),
  countdownSeconds: z.number().int().min(1).max(3_600).default(DECISION_COUNTDOWN_S),
  onDue: z.enum(['approve', 'let-pass']).default('approve'),
});
export const modesSchema = z.array(modeSchema).max(MODES).default([]);

export type Mode = z.output<typeof modeSchema>;

const AUTOMATIC: Mode = { mode: 'automatic', countdownSeconds: DECISION_COUNTDOWN_S, onDue: 'approve' };

/** The first that fits holds; where none does, everything is automatic. */
export function modeOf(modes: readonly Mode[], feederId: string, severity: 'measured' | 'forecast'): Mode {
  const fits = (mode: Mode) => (mode.feederId ?? feederId) === feederId && (mode.severity ?? severity) === severity;
  return modes.find(fits) ?? AUTOMATIC;
}

/** Why the rule may not decide by itself; undefined when it may. */
export function beyondApproval(
  mode: Mode,
  { askedKw, costGbp }: Pick<PlanOption, 'askedKw' | 'costGbp'>,
): string | undefined {
  if (mode.mode !== 'automatic') return `the mode is ${mode.mode}`;
  if (mode.approveKw !== undefined && askedKw > mode.approveKw)
    return `${askedKw} kW are more than the ${mode.approveKw} kW that need no approval`;
  if (mode.approveGbp !== undefined && costGbp > mode.approveGbp)
    return `£${costGbp.toFixed(2)} are more than the £${mode.approveGbp.toFixed(2)} that need no approval`;
  return undefined;
}
