/** What a charge point is asked, and told, when it connects: how it takes limits, and to measure often enough. */
import { OCPP_LIMITS } from './limits.ts';
import type { RateUnit, Version } from './profile.ts';

/** Undefined: no answer, or none that helps. */
export type Ask = (method: string, params: object) => Promise<unknown>;

const MEASURANDS = ['Power.Active.Import', 'Energy.Active.Import.Register'];

/** The unit of its limits. A charge point that cannot be asked is left as it is: A is what every one takes. */
export function configure(version: Version, ask: Ask): Promise<RateUnit> {
  return version === 'ocpp1.6' ? configure16(ask) : configure201(ask);
}

async function configure16(ask: Ask): Promise<RateUnit> {
  const wanted: Record<string, (now: string) => string | undefined> = {
    MeterValueSampleInterval: often,
    ClockAlignedDataInterval: often,
    MeterValuesSampledData: both,
    MeterValuesAlignedData: both,
  };
  const unitKey = 'ChargingScheduleAllowedChargingRateUnit';
  const answer = (await ask('GetConfiguration', { key: [unitKey, ...Object.keys(wanted)] })) as
    | { configurationKey?: { key: string; readonly: boolean; value?: string }[] }
    | undefined;
  const known = answer?.configurationKey ?? [];
  for (const { key, readonly, value = '' } of known) {
    const better = readonly ? undefined : wanted[key]?.(value);
    if (better !== undefined) await ask('ChangeConfiguration', { key, value: better });
  }
  return unitOf(known.find(({ key }) => key === unitKey)?.value, /Current/);
}

async function configure201(ask: Ask): Promise<RateUnit> {
  const wanted: Record<string, (now: string) => string | undefined> = {
    'SampledDataCtrlr.TxUpdatedInterval': often,
    'SampledDataCtrlr.TxUpdatedMeasurands': both,
    'AlignedDataCtrlr.Interval': often,
    'AlignedDataCtrlr.Measurands': both,
  };
  const unitKey = 'SmartChargingCtrlr.RateUnit';
  const variable = (name: string) => {
    const [component, variableName] = name.split('.');
    return { component: { name: component }, variable: { name: variableName } };
  };
  const answer = (await ask('GetVariables', {
    getVariableData: [unitKey, ...Object.keys(wanted)].map(variable),
  })) as { getVariableResult?: Variable[] } | undefined;
  const values = new Map(
    (answer?.getVariableResult ?? [])
      .filter((one) => one.attributeStatus === 'Accepted')
      .map((one) => [`${one.component.name}.${one.variable.name}`, one.attributeValue ?? '']),
  );
  const changes = Object.entries(wanted).flatMap(([name, better]) => {
    const value = values.has(name) ? better(values.get(name) ?? '') : undefined;
    return value === undefined ? [] : [{ ...variable(name), attributeValue: value }];
  });
  if (changes.length > 0) await ask('SetVariables', { setVariableData: changes });
  return unitOf(values.get(unitKey), /\bA\b/);
}

interface Variable {
  readonly attributeStatus: string;
  readonly attributeValue?: string;
  readonly component: { readonly name: string };
  readonly variable: { readonly name: string };
}

function unitOf(said: string | undefined, amperes: RegExp): RateUnit {
  return said === undefined || said === '' || amperes.test(said) ? 'A' : 'W';
}

/** The interval to set, in seconds; undefined where it is often enough. */
function often(now: string): string | undefined {
  const seconds = Number(now);
  return seconds > 0 && seconds <= OCPP_LIMITS.sampleS ? undefined : String(OCPP_LIMITS.sampleS);
}

/** The list with what is missing behind; undefined where nothing is. */
function both(now: string): string | undefined {
  const listed = now
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const missing = MEASURANDS.filter((one) => !listed.includes(one));
  return missing.length === 0 ? undefined : [...listed, ...missing].join(',');
}
