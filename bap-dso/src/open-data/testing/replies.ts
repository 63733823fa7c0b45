/** Small replies in the shapes of the four sources; all figures are made up. */
export const FAULT = {
  incidentreference: 'INCD-1-A',
  powercuttype: 'Unplanned',
  creationdatetime: '2026-11-20T11:02:11',
  nocallsreported: 4,
  nocustomeraffected: 61,
  postcodesaffected: 'KT13 8;KT13 9',
  incidenttypename: 'Unplanned',
  statusid: 2,
  receiveddate: '2026-11-20T11:01:00',
  planneddate: null,
  estimatedrestorationdate: '2026-11-20T14:00:00',
  restoreddatetime: null,
  geopoint: { lon: -0.46, lat: 51.37 },
  operatingzone: 'WOKING',
};

export const CONSTRAINT = {
  timestamp: '2026-11-20T12:05:00+00:00',
  constraint_id: 'CON-7',
  constraint_description: 'Heath Road 33 kV',
  der_name: null,
  present_amps_value: 412.5,
  trim_amps: 400,
  release_limit_amps: 380,
  utilisation_percentage: 103.1,
  breach_flag: 'True',
};

export const SYSTEM_PRICE = {
  settlementDate: '2026-11-20',
  settlementPeriod: 24,
  startTime: '2026-11-20T11:30:00Z',
  createdDateTime: '2026-11-20T12:07:12Z',
  systemSellPrice: 91.5,
  systemBuyPrice: 91.5,
  bsadDefaulted: false,
  priceDerivationCode: 'P',
  netImbalanceVolume: 84.25,
};

export const MARKET_INDEX = [
  {
    startTime: '2026-11-20T11:30:00Z',
    dataProvider: 'APXMIDP',
    settlementDate: '2026-11-20',
    settlementPeriod: 24,
    price: 100,
    volume: 300,
  },
  {
    startTime: '2026-11-20T11:30:00Z',
    dataProvider: 'N2EXMIDP',
    settlementDate: '2026-11-20',
    settlementPeriod: 24,
    price: 0,
    volume: 0,
  },
  {
    startTime: '2026-11-20T11:00:00Z',
    dataProvider: 'APXMIDP',
    settlementDate: '2026-11-20',
    settlementPeriod: 23,
    price: 80,
    volume: 10,
  },
];

export const INTENSITY = {
  from: '2026-11-20T12:00Z',
  to: '2026-11-20T12:30Z',
  intensity: { forecast: 185, actual: null, index: 'moderate' },
};

export const DEMAND = {
  _id: 1,
  SETTLEMENT_DATE: '2026-11-19T00:00:00',
  SETTLEMENT_PERIOD: 48,
  ND: 27_411,
  FORECAST_ACTUAL_INDICATOR: 'A',
  TSD: 28_900,
  ENGLAND_WALES_DEMAND: 24_800,
  EMBEDDED_WIND_GENERATION: 2_100,
  EMBEDDED_WIND_CAPACITY: 6_600,
  EMBEDDED_SOLAR_GENERATION: 0,
  EMBEDDED_SOLAR_CAPACITY: 17_900,
};

export const EMBEDDED = {
  _id: 9,
  DATE_GMT: '2026-11-20T00:00:00',
  TIME_GMT: '12:30',
  SETTLEMENT_DATE: '2026-11-20T00:00:00',
  SETTLEMENT_PERIOD: 25,
  EMBEDDED_WIND_FORECAST: 2_450,
  EMBEDDED_WIND_CAPACITY: 6_600,
  EMBEDDED_SOLAR_FORECAST: 1_310,
  EMBEDDED_SOLAR_CAPACITY: 17_900,
};

export const POWER_FLOW = {
  timestamp: '2026-11-01T00:00:00+00:00',
  tx_id: 'heath_road_11kv_t1',
  active_power_mw: 3.25,
  current_amps: 171.2,
};

export const QUOTA = {
  errorcode: 10_002,
  reset_time: '2026-11-20T12:11:00Z',
  limit_time_unit: 'minute',
  call_limit: 5_000,
  error: 'You have exceeded the requests limit for anonymous users.',
};

export const RESOURCE_ID = '177f6fa4-ae49-4182-81ea-0c6b35f26ca6';
export const ROTATED_ID = '2b1c0d4e-5f6a-4b7c-8d9e-0a1b2c3d4e5f';

export function packaged(id: string, name = 'Demand Data Update') {
  return {
    help: '',
    success: true,
    result: {
      name: 'daily-demand-update',
      resources: [
        { id, name, datastore_active: true },
        { id: '11111111-2222-4333-8444-555555555555', name: 'Notes', datastore_active: false },
      ],
    },
  };
}

export function datastore(records: readonly unknown[], total = records.length) {
  return { help: '', success: true, result: { fields: [], records, total } };
}

export const CKAN_NOT_FOUND = {
  success: false,
  error: { __type: 'Not Found Error', message: 'Not found: Resource was not found.' },
};
