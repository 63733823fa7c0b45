/** Constraints of the network that their latest reading shows breached. */
import type { ConstraintRow } from './datasets/ukpn.ts';

export interface ConstraintView {
  readonly constraintId: string;
  readonly description: string | null;
  readonly at: string;
  readonly presentAmps: number | null;
  readonly trimAmps: number | null;
  readonly releaseAmps: number | null;
  readonly utilisationPercent: number | null;
}

/** @param ids only these; all when empty */
export function breachedConstraints(
  rows: readonly ConstraintRow[],
  ids: readonly string[],
): { readonly total: number; readonly breached: readonly ConstraintView[] } {
  const latest = new Map<string, ConstraintRow>();
  for (const row of rows) {
    if (ids.length > 0 && !ids.includes(row.constraint_id)) continue;
    const before = latest.get(row.constraint_id);
    if (!before || Date.parse(row.timestamp) > Date.parse(before.timestamp)) latest.set(row.constraint_id, row);
  }
  const breached = [...latest.values()].filter((row) => isBreach(row.breach_flag)).map(viewOf);
  breached.sort((a, b) => (a.constraintId < b.constraintId ? -1 : 1));
  return { total: latest.size, breached };
}

/** A flag whose words are not known says nothing. */
function isBreach(flag: ConstraintRow['breach_flag']): boolean {
  return ['1', 'true', 'y', 'yes', 'breach'].includes(
    String(flag ?? '')
      .trim()
      .toLowerCase(),
  );
}

function viewOf(row: ConstraintRow): ConstraintView {
  return {
    constraintId: row.constraint_id,
    description: row.constraint_description,
    at: new Date(row.timestamp).toISOString(),
    presentAmps: row.present_amps_value,
    trimAmps: row.trim_amps,
    releaseAmps: row.release_limit_amps,
    utilisationPercent: row.utilisation_percentage,
  };
}
