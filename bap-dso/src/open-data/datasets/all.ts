import { nationalCarbon } from './carbon.ts';
import type { AnyDataset } from './dataset.ts';
import { marketIndex, systemPrices } from './elexon.ts';
import { demandAhead, demandUpdate, embeddedForecast } from './neso.ts';
import { constraintReadings, gspCarbon, liveFaults, ltds3a, powerFlowEpn, powerFlowSpn } from './ukpn.ts';

/** Every data set that is known, in the order in which they are shown. */
export const DATASETS: readonly AnyDataset[] = [
  liveFaults,
  constraintReadings,
  gspCarbon,
  powerFlowEpn,
  powerFlowSpn,
  ltds3a,
  demandUpdate,
  embeddedForecast,
  demandAhead,
  systemPrices,
  marketIndex,
  nationalCarbon,
];
