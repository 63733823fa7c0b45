/** Energies from cumulative registers. Net energy is import minus export, kWh. */
export interface RegisterReading {
  readonly atMs: number;
  readonly netKwh: number;
  readonly powerKw: number;
}

export type Quality = 'GOOD' | 'ESTIMATED' | 'MISSING';

export interface RegisterValue {
  readonly netKwh: number;
  readonly quality: 'GOOD' | 'ESTIMATED';
}

export interface Energy {
  readonly kwh: number;
  readonly quality: Quality;
}

/**
 * The register at `atMs`, interpolated between the readings around it. Without a later reading it is carried on at the
 * last power for at most `maxGapMs`; without an earlier one it is unknown.
 */
export function registerAt(
  atMs: number,
  before: RegisterReading | undefined,
  after: RegisterReading | undefined,
  maxGapMs: number,
): RegisterValue | undefined {
  if (before?.atMs === atMs) return { netKwh: before.netKwh, quality: 'GOOD' };
  if (after?.atMs === atMs) return { netKwh: after.netKwh, quality: 'GOOD' };
  if (before && after) {
    const share = (atMs - before.atMs) / (after.atMs - before.atMs);
    const gapMs = after.atMs - before.atMs;
    return {
      netKwh: before.netKwh + share * (after.netKwh - before.netKwh),
      quality: gapMs <= maxGapMs ? 'GOOD' : 'ESTIMATED',
    };
  }
  if (before && atMs - before.atMs <= maxGapMs)
    return { netKwh: before.netKwh + (before.powerKw * (atMs - before.atMs)) / 3_600_000, quality: 'ESTIMATED' };
  return undefined;
}

export function energyBetween(from: RegisterValue | undefined, until: RegisterValue | undefined): Energy {
  if (!from || !until) return { kwh: 0, quality: 'MISSING' };
  const quality = from.quality === 'GOOD' && until.quality === 'GOOD' ? 'GOOD' : 'ESTIMATED';
  return { kwh: until.netKwh - from.netKwh, quality };
}
