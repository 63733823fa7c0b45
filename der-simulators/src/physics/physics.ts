import { seededRandom } from '@flexder/runtime/random.ts';
import { HISTORY_STEP_MS, STEP_MS, WARM_UP_MS } from '../limits.ts';
import type { BatteryParams, DerManifest, EvParams, HeatPumpParams, Stepped, Unable } from '../model.ts';
import { type BatteryState, batteryAvailableDownKw, stepBattery } from './battery.ts';
import { type EvState, evAvailableDownKw, seededSessions, stepEvCharger } from './ev-charger.ts';
import { type HeatPumpState, heatPumpAvailableDownKw, stepHeatPump } from './heat-pump.ts';
import type { Weather } from './weather.ts';

/** A device's body: its state at `atMs` and its meter. */
export interface Physics {
  readonly atMs: number;
  readonly powerKw: number;
  /** Cumulative registers of the meter. */
  readonly importKwh: number;
  readonly exportKwh: number;
  availableDownKw(): number;
  readonly soc: number | undefined;
  readonly roomC: number | undefined;
  /** Runs to `toMs` (never back) under one setpoint; null is the device's own will. Says why it could not follow, if so. */
  advance(toMs: number, setpointKw: number | null): Unable | undefined;
}

interface Body {
  step(atMs: number, seconds: number, setpointKw: number | null): Stepped<unknown>;
  availableDownKw(atMs: number): number;
  soc(): number | undefined;
  roomC(): number | undefined;
}

function batteryBody(params: BatteryParams, startSoc: number): Body {
  let state: BatteryState = { soc: startSoc, powerKw: 0 };
  return {
    step(atMs, seconds, setpointKw) {
      const stepped = stepBattery(state, params, { atMs, seconds, setpointKw });
      state = stepped.state;
      return stepped;
    },
    availableDownKw: () => batteryAvailableDownKw(state, params),
    soc: () => state.soc,
    roomC: () => undefined,
  };
}

function evBody(params: EvParams, seed: string | number, derId: string): Body {
  const sessionAt = seededSessions(seed, derId, params);
  let state: EvState = { arriveMs: 0, deliveredKwh: 0, powerKw: 0 };
  return {
    step(atMs, seconds, setpointKw) {
      const stepped = stepEvCharger(state, params, { atMs, seconds, setpointKw, session: sessionAt(atMs) });
      state = stepped.state;
      return stepped;
    },
    availableDownKw: (atMs) => evAvailableDownKw(state, params, sessionAt(atMs), atMs),
    soc: () => undefined,
    roomC: () => undefined,
  };
}

function heatPumpBody(params: HeatPumpParams, weather: Weather): Body {
  let state: HeatPumpState = { roomC: params.comfortC, on: true, sinceS: params.minimumOnS, powerKw: params.minimumKw };
  return {
    step(atMs, seconds, setpointKw) {
      const stepped = stepHeatPump(state, params, { atMs, seconds, setpointKw, outdoorC: weather(atMs) });
      state = stepped.state;
      return stepped;
    },
    availableDownKw: (atMs) => heatPumpAvailableDownKw(state, params, weather(atMs)),
    soc: () => undefined,
    roomC: () => state.roomC,
  };
}

function bodyOf(der: DerManifest, seed: string | number, weather: Weather): Body {
  const { params } = der;
  if (params.kind === 'battery') return batteryBody(params, seededRandom(`${seed}/${der.derId}/soc`).between(0.5, 0.9));
  if (params.kind === 'ev-charger') return evBody(params, seed, der.derId);
  return heatPumpBody(params, weather);
}

/**
 * The body of one device from `atMs` on; everything random comes from the seed and its derId, so that the order in
 * which a fleet is made does not matter. Steps end on whole minutes, whoever asks when.
 */
export function startPhysics(
  der: DerManifest,
  options: {
    readonly seed: string | number;
    readonly atMs: number;
    readonly weather: Weather;
    /** Steps before this instant are as coarse as those of generated history. */
    readonly coarseUntilMs?: number;
  },
): Physics {
  const body = bodyOf(der, options.seed, options.weather);
  const coarseUntilMs = options.coarseUntilMs ?? Number.NEGATIVE_INFINITY;
  const meter = seededRandom(`${options.seed}/${der.derId}/meter`);
  let atMs = options.atMs;
  let powerKw = 0;
  let importKwh = meter.integer(500, 9_000);
  let exportKwh = der.exportMsid === null ? 0 : meter.integer(100, 2_000);
  return {
    get atMs() {
      return atMs;
    },
    get powerKw() {
      return powerKw;
    },
    get importKwh() {
      return importKwh;
    },
    get exportKwh() {
      return exportKwh;
    },
    get soc() {
      return body.soc();
    },
    get roomC() {
      return body.roomC();
    },
    availableDownKw: () => body.availableDownKw(atMs),
    advance(toMs, setpointKw) {
      let unable: Unable | undefined;
      while (atMs < toMs) {
        const stepMs = atMs < coarseUntilMs ? HISTORY_STEP_MS : STEP_MS;
        const untilMs = Math.min(toMs, (Math.floor(atMs / stepMs) + 1) * stepMs);
        const stepped = body.step(atMs, (untilMs - atMs) / 1000, setpointKw);
        powerKw = stepped.powerKw;
        if (stepped.energyKwh > 0) importKwh += stepped.energyKwh;
        else exportKwh -= stepped.energyKwh;
        unable = stepped.unable ?? unable;
        atMs = untilMs;
      }
      return unable;
    },
  };
}

/** As `startPhysics`, having lived through the day before `atMs` with nobody dispatching it. */
export function startWarmPhysics(
  der: DerManifest,
  options: { readonly seed: string | number; readonly atMs: number; readonly weather: Weather },
): Physics {
  const fromMs = Math.floor((options.atMs - WARM_UP_MS) / HISTORY_STEP_MS) * HISTORY_STEP_MS;
  const physics = startPhysics(der, { ...options, atMs: fromMs, coarseUntilMs: options.atMs });
  physics.advance(options.atMs, null);
  return physics;
}
