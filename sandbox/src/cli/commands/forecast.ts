import { basename } from 'node:path';
import {
  type Evaluation,
  evaluateForecast,
  type HorizonResult,
} from '@flexder/bap-dso/grid-monitoring/forecast/evaluate.ts';
import { readDemand, readWeather } from '@flexder/bap-dso/grid-monitoring/forecast/input-file.ts';
import type { ForecastInput } from '@flexder/bap-dso/grid-monitoring/forecast/inputs.ts';
import {
  POWER_FLOW_COLUMNS,
  type PowerFlow,
  type PowerFlowColumn,
  PowerFlowError,
  readPowerFlow,
} from '@flexder/bap-dso/grid-monitoring/forecast/power-flow-file.ts';
import { type Command, print, required, say, text, UsageError, type Values } from '../command.ts';
import { readAll } from '../input.ts';

function columnOf(values: Values): PowerFlowColumn | undefined {
  const column = text(values, 'column');
  if (column === undefined) return undefined;
  const known = POWER_FLOW_COLUMNS.find((name) => name === column);
  if (!known)
    throw new UsageError(`--column must be ${POWER_FLOW_COLUMNS.join(' or ')}, not ${JSON.stringify(column)}`);
  return known;
}

function shareOf(values: Values): number {
  const given = text(values, 'test-share') ?? '0.35';
  const share = Number(given);
  if (given.trim() === '' || !(share >= 0.01 && share <= 0.99)) {
    throw new UsageError(`--test-share must be a number from 0.01 to 0.99, not ${JSON.stringify(given)}`);
  }
  return share;
}

function read<T>(file: string, reading: (bytes: Uint8Array) => T): T {
  try {
    return reading(readAll(file));
  } catch (error) {
    if (error instanceof PowerFlowError) throw new UsageError(`${basename(file)}: ${error.message}`);
    throw error;
  }
}

function inputsOf(values: Values): ForecastInput[] {
  const weather = text(values, 'weather');
  const demand = text(values, 'demand');
  return [
    ...(weather === undefined ? [] : [read(weather, readWeather)]),
    ...(demand === undefined ? [] : read(demand, readDemand)),
  ];
}

function evaluate(
  file: string,
  { readings, stepMs }: PowerFlow,
  testShare: number,
  inputs: readonly ForecastInput[],
): Evaluation {
  try {
    return evaluateForecast(readings, { stepMs, testShare, inputs });
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${basename(file)}: ${error.message}`);
    throw error;
  }
}

const UNITS: Record<PowerFlowColumn, string> = { current_amps: 'A', active_power_mw: 'MW' };
const shown = (value: number | null, digits = 2) => (value === null ? '-' : value.toFixed(digits)).padStart(9);

function table(horizons: readonly HorizonResult[], column: PowerFlowColumn): string[] {
  const unit = UNITS[column];
  const digits = column === 'active_power_mw' ? 4 : 2;
  return [
    `                        model                                                     MAPE % of`,
    `minutes  forecasts  MAPE %     MAE ${unit}  pinball ${unit}   within %    half ${unit}  persist.  day-naive  day+error`,
    ...horizons.map(({ minutes, forecasts, model, persistence, dayNaive, dayLastError }) =>
      [
        String(minutes).padStart(7),
        String(forecasts).padStart(10),
        shown(model.mape).slice(1),
        shown(model.mae, digits),
        shown(model.pinball, digits),
        shown(model.coverage90, 1),
        shown(model.halfWidth, digits),
        shown(persistence.mape),
        shown(dayNaive.mape),
        shown(dayLastError.mape),
      ].join(' '),
    ),
  ];
}

function notesOf(
  { notes, stepMs }: PowerFlow,
  { leftOutMinutes, horizons, model }: Evaluation,
  inputs: readonly ForecastInput[],
): string[] {
  const said = [...notes];
  for (const { name, known } of inputs) {
    if (!model.inputs.includes(name)) said.push(`${name} is not known over enough of the readings: not used`);
    else if (known === 'ahead') said.push(`${name} of the file is taken for a forecast that was known at every origin`);
  }
  if (leftOutMinutes.length > 0) {
    said.push(`${leftOutMinutes.join(' and ')} minutes are no multiple of ${stepMs / 60_000}: left out`);
  }
  if (horizons.some(({ forecasts }) => forecasts === 0))
    said.push('a horizon without a forecast has no reading to meet');
  return said;
}

const command: Command = {
  summary: 'Evaluates the load forecast on a file of half-hourly (or other) readings, beside simple rules',
  arguments: 'evaluate --data FILE [--json]',
  options: {
    data: {
      type: 'string',
      value: 'FILE',
      help: 'CSV: timestamp, tx_id, active_power_mw, current_amps; `-` reads stdin',
    },
    column: { type: 'string', value: 'NAME', help: 'current_amps or active_power_mw (the one that has more values)' },
    'test-share': { type: 'string', value: 'SHARE', help: 'the last share of the readings is the test (0.35)' },
    weather: {
      type: 'string',
      value: 'FILE',
      help: 'CSV: timestamp, temperature_c, hourly or so; taken for a forecast known in advance',
    },
    demand: {
      type: 'string',
      value: 'FILE',
      help: 'CSV of `flexder data fetch --source neso`: national demand, embedded wind and solar, as published',
    },
    json: { type: 'boolean', help: 'one line of JSON: percentages in percent, all else in the unit of the column' },
  },
  notes: [
    'Every forecast is made by the live forecaster from the readings up to its origin; a reading of the test counts',
    'at a horizon when its origin was read, for the model and for the rules alike.',
    '  mape        mean of |forecast - reading| / |reading|, readings below 5 % of the mean size of the test left out',
    '  mae         mean of |forecast - reading|',
    '  pinball     mean of (loss of the low end at 0.05 + loss of the high end at 0.95) / 2 of the 90 % interval',
    '  coverage90  readings within the 90 % interval, in percent; halfWidth: its mean half width',
    '  persistence the reading at the origin; dayNaive: the one 24 h before the target; dayLastError: the same plus',
    '              the reading at the origin minus the one 24 h before it',
  ],
  async run(values, [verb]) {
    if (verb !== 'evaluate') throw new UsageError('say what to do with the forecast: `flexder forecast evaluate`');
    const file = required(values, 'data');
    const testShare = shareOf(values);
    const column = columnOf(values);
    const inputs = inputsOf(values);
    const flow = read(file, (bytes) => readPowerFlow(bytes, column));
    const result = evaluate(file, flow, testShare, inputs);
    const { readings, test, horizons, model } = result;
    const notes = notesOf(flow, result, inputs);
    if (values.json === true) {
      const { transformers, stepMs } = flow;
      const minutes = stepMs / 60_000;
      const testFrom = new Date(result.testFromMs).toISOString();
      const told = { samplingMinutes: minutes, transformers, testFrom, used: model.inputs, model, notes };
      print(JSON.stringify({ file: basename(file), column: flow.column, readings, test, horizons, ...told }));
      return 0;
    }
    print(`${basename(file)}: ${flow.column}, ${flow.transformers.length} transformers summed, ${readings} readings`);
    print(
      `every ${flow.stepMs / 60_000} minutes; the last ${test}, from ${new Date(result.testFromMs).toISOString()}, are the test`,
    );
    print(`used: ${model.inputs.join(', ')}`);
    for (const line of table(horizons, flow.column)) print(line);
    for (const note of notes) say(`note: ${note}`);
    return 0;
  },
};
export default command;
