/** Several feeders of one substation that fail together: the fault is above them. */
import { SEVERAL_FEEDERS } from '../../rules.ts';
import type { Anomalies, AnomalyKind, Sign } from './anomalies.ts';

export interface Member {
  readonly feederId: string;
  readonly anomalies: Anomalies;
  readonly level: 'NORMAL' | 'TRIMMED';
}

/** What a feeder may share with its neighbours when something above them failed. */
const SHARED: readonly AnomalyKind[] = ['data-missing', 'load-collapse'];
const TOGETHER = 2;

export function substationSign(substationId: string, members: readonly Member[]): Sign {
  for (const failure of [...SHARED, 'overload'] as const) {
    const failing = members.filter(({ anomalies, level }) =>
      failure === 'overload' ? level === 'TRIMMED' : anomalies.get(failure)?.absentSinceMs === null,
    );
    if (failing.length < TOGETHER) continue;
    const names = failing.map(({ feederId }) => feederId);
    const shown = names.slice(0, 20).join(' ');
    return {
      kind: 'several-feeders',
      present: true,
      rule: SEVERAL_FEEDERS,
      text: `${failing.length} of ${members.length} feeders of ${substationId} show ${failure}: ${shown}`,
      inputs: { substation_id: substationId, failure, feeders: shown, failing: failing.length, of: members.length },
    };
  }
  return { kind: 'several-feeders', present: false };
}
