/** How a DSO settles: who it is, which curve pays, which indicative prices stand in the report. */
import { type BaselineParameters, BL01_LIKE } from '@flexder/protocol/settlement/baseline.ts';
import { LINEAR_CURVE, type PerformanceCurve, STRICT_CURVE } from '@flexder/protocol/settlement/performance.ts';

/** Settlement runs in their order: the initial ones, the reconciliations, after a dispute. */
export const RUN_TYPES = ['II', 'SF', 'R1', 'R2', 'R3', 'RF', 'DF'] as const;
export type RunType = (typeof RUN_TYPES)[number];

/** Whether `run` comes before `other`. */
export function isEarlierRun(run: RunType, other: RunType): boolean {
  return RUN_TYPES.indexOf(run) < RUN_TYPES.indexOf(other);
}

/** A supplier compensation reference price, £/MWh. It holds from a settlement date on, until another one or its last day. */
export interface ScrpPrice {
  readonly gbpPerMwh: string;
  readonly validFrom: string;
  /** Settlement date, included; absent: until the next price. */
  readonly validUntil?: string | undefined;
}

/** The market parties behind one aggregator. Text only: no figure depends on them. */
export interface SettlementParties {
  readonly leadPartyId: string;
  readonly bmUnitId: string;
  readonly supplierPartyId: string | null;
}

export interface SettlementConfig {
  readonly dsoId: string;
  readonly licenceArea: string;
  /** GSP group of a feeder, e.g. `_J`. */
  readonly gspGroups: Readonly<Record<string, string>>;
  readonly defaultGspGroup: string;
  readonly runType: RunType;
  readonly product: string;
  readonly baseline: BaselineParameters;
  readonly curve: PerformanceCurve;
  /** Indicative, since a DSO's dispatch alone creates no compensated volume. In any order; a date without one has none. */
  readonly scrp: readonly ScrpPrice[];
  readonly compensationMode: 'none' | 'indicative';
  readonly leadPartyRole: string;
  /** By BPP subscriber id; a BPP that is not listed stands under its own id, not registered as a unit. */
  readonly parties: Readonly<Record<string, SettlementParties>>;
}

export const CURVES: Readonly<Record<'linear' | 'strict', PerformanceCurve>> = {
  linear: LINEAR_CURVE,
  strict: STRICT_CURVE,
};

/** The defaults of a sandbox DSO in the South East; every member can be set. */
export function settlementConfig(dsoId: string, overrides: Partial<SettlementConfig> = {}): SettlementConfig {
  return {
    dsoId,
    licenceArea: 'SPN',
    gspGroups: {},
    defaultGspGroup: '_J',
    runType: 'II',
    product: 'OPERATIONAL_UTILISATION',
    baseline: BL01_LIKE,
    curve: LINEAR_CURVE,
    scrp: [
      { gbpPerMwh: '87.21', validFrom: '2026-02-17' },
      { gbpPerMwh: '98.53', validFrom: '2026-08-28' },
    ],
    compensationMode: 'indicative',
    leadPartyRole: 'AGGREGATOR',
    parties: {},
    ...overrides,
  };
}

export function partiesOf(config: SettlementConfig, bppId: string): SettlementParties {
  const listed = Object.hasOwn(config.parties, bppId) ? config.parties[bppId] : undefined;
  return listed ?? { leadPartyId: bppId, bmUnitId: 'NONE', supplierPartyId: null };
}

export function gspGroupOf(config: SettlementConfig, feederId: string): string {
  const listed = Object.hasOwn(config.gspGroups, feederId) ? config.gspGroups[feederId] : undefined;
  return listed ?? config.defaultGspGroup;
}

/** The price of a settlement date: the newest that has begun and not ended; undefined when there is none. */
export function scrpOn({ scrp }: Pick<SettlementConfig, 'scrp'>, date: string): ScrpPrice | undefined {
  return scrp
    .filter(({ validFrom, validUntil }) => validFrom <= date && (validUntil === undefined || date <= validUntil))
    .sort((a, b) => (a.validFrom < b.validFrom ? 1 : -1))[0];
}
