/** What a charge point measures, out of the meter values of either version: pure. */

/** One instant at one connector (1.6) or EVSE (2.0.1). Import and export as its meter has them. */
export interface Sample {
  readonly atMs: number;
  readonly powerKw?: number;
  readonly importKwh?: number;
  readonly exportKwh?: number;
  /** 0 to 1. */
  readonly soc?: number;
}

export interface SampledValue {
  /** Text in 1.6, a number in 2.0.1. */
  readonly value: string | number;
  readonly measurand?: string;
  readonly phase?: string;
  readonly location?: string;
  readonly format?: string;
  readonly unit?: string;
  readonly unitOfMeasure?: { readonly unit?: string; readonly multiplier?: number };
}

export interface MeterValue {
  readonly timestamp: string;
  readonly sampledValue: readonly SampledValue[];
}

const POWER = 'Power.Active.Import';
const EXPORTED_POWER = 'Power.Active.Export';
const REGISTER = 'Energy.Active.Import.Register';
const EXPORT_REGISTER = 'Energy.Active.Export.Register';

/** What makes a kW or kWh of each unit; the default is the standard's. */
const PER_UNIT: Readonly<Record<string, number>> = { W: 0.001, kW: 1, Wh: 0.001, kWh: 1 };

/** Undefined where nothing this network knows was measured. */
export function sampleOf({ timestamp, sampledValue }: MeterValue): Sample | undefined {
  const imported = total(sampledValue, POWER);
  const exported = total(sampledValue, EXPORTED_POWER);
  const importKwh = total(sampledValue, REGISTER);
  const exportKwh = total(sampledValue, EXPORT_REGISTER);
  const charge = total(sampledValue, 'SoC');
  if (imported === undefined && importKwh === undefined) return undefined;
  return {
    atMs: Date.parse(timestamp),
    ...(imported !== undefined && { powerKw: imported - (exported ?? 0) }),
    ...(importKwh !== undefined && { importKwh }),
    ...(exportKwh !== undefined && { exportKwh }),
    ...(charge !== undefined && charge >= 0 && charge <= 100 && { soc: charge / 100 }),
  };
}

/** The value over all phases: as such, or the sum of its phases. Signed values are for an auditor, not for control. */
function total(values: readonly SampledValue[], measurand: string): number | undefined {
  const ours = values.filter(
    (one) =>
      (one.measurand ?? REGISTER) === measurand &&
      one.format !== 'SignedData' &&
      (one.location === undefined || one.location === 'Outlet' || measurand === 'SoC'),
  );
  const whole = ours.find((one) => one.phase === undefined);
  const parts = whole ? [whole] : ours.filter((one) => /^L[123](-N)?$/.test(one.phase ?? ''));
  if (parts.length === 0) return undefined;
  const sum = parts.reduce((all, one) => all + numberOf(one, measurand), 0);
  return Number.isFinite(sum) ? sum : undefined;
}

function numberOf({ value, unit, unitOfMeasure }: SampledValue, measurand: string): number {
  const number =
    typeof value === 'number' ? value : /^\s*-?[\d.]+(e[-+]?\d+)?\s*$/i.test(value) ? Number(value) : Number.NaN;
  if (measurand === 'SoC') return number;
  const named = unitOfMeasure?.unit ?? unit ?? (measurand.startsWith('Power') ? 'W' : 'Wh');
  return number * 10 ** (unitOfMeasure?.multiplier ?? 0) * (PER_UNIT[named] ?? Number.NaN);
}
