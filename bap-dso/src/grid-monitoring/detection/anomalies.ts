/**
 * Anomalies of a feeder or a substation: raised once when a symptom shows, cleared when it has been absent for a while.
 * In between they stay, so that a value that swings around a threshold raises one alarm. Pure.
 */
import { ANOMALY_CLEAR_MS } from '../../limits.ts';
import type { Rule } from '../../rules.ts';
import type { Received } from '../monitor.ts';

export const ANOMALY_KINDS = [
  'rate-of-rise',
  'load-collapse',
  'sensor-stuck',
  'value-impossible',
  'unit-confused',
  'data-missing',
  'above-firm',
  'transformer-out',
  'several-feeders',
] as const;
export type AnomalyKind = (typeof ANOMALY_KINDS)[number];

export interface Symptom {
  readonly kind: AnomalyKind;
  readonly present: true;
  readonly rule: Rule;
  readonly inputs: Readonly<Record<string, string | number | null>>;
  /** For a person: what is seen, with figures. */
  readonly text: string;
}

/** What is neither present nor absent is not mentioned, and stays what it was. */
export type Sign = Symptom | { readonly kind: AnomalyKind; readonly present: false };

export interface Anomaly extends Symptom {
  /** Grid time. */
  readonly sinceMs: number;
  readonly absentSinceMs: number | null;
  /** The message that showed it; absent where none did. */
  readonly source?: Pick<Received, 'topic' | 'sha256'>;
}

export type Anomalies = ReadonlyMap<AnomalyKind, Anomaly>;

export const NO_ANOMALIES: Anomalies = new Map();

export interface Followed {
  readonly open: Anomalies;
  readonly raised: readonly Anomaly[];
  readonly cleared: readonly Anomaly[];
}

/** `source`: the message that shows the signs, where one does. */
export function follow(
  open: Anomalies,
  signs: readonly Sign[],
  atMs: number,
  source?: Pick<Received, 'topic' | 'sha256'>,
): Followed {
  const raised: Anomaly[] = [];
  const cleared: Anomaly[] = [];
  let next: Map<AnomalyKind, Anomaly> | undefined;
  const set = (anomaly: Anomaly) => {
    next ??= new Map(open);
    next.set(anomaly.kind, anomaly);
  };
  for (const sign of signs) {
    const known = open.get(sign.kind);
    if (sign.present && !known) {
      const anomaly = { ...sign, sinceMs: atMs, absentSinceMs: null, ...(source && { source }) };
      raised.push(anomaly);
      set(anomaly);
    } else if (known && sign.present && known.absentSinceMs !== null) {
      set({ ...known, absentSinceMs: null });
    } else if (known && !sign.present) {
      const absentSinceMs = known.absentSinceMs ?? atMs;
      if (known.absentSinceMs === null) set({ ...known, absentSinceMs });
      if (atMs - absentSinceMs < ANOMALY_CLEAR_MS) continue;
      cleared.push(known);
      next ??= new Map(open);
      next.delete(sign.kind);
    }
  }
  return { open: next ?? open, raised, cleared };
}

/** What a listener is told. */
export interface AnomalyChange {
  readonly change: 'raised' | 'cleared';
  readonly anomaly: Anomaly;
  /** Absent for what concerns a whole substation. */
  readonly feederId?: string;
  readonly substationId?: string;
  readonly atMs: number;
  /** The message that showed it; absent where its absence did. */
  readonly received?: Pick<Received, 'topic' | 'sha256' | 'wallMs'> & { readonly observedMs: number };
}
