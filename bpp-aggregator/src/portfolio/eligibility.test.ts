import type { DerId, FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import { STANDARD_PROGRAMME } from '../enrolment/document.ts';
import { believableShedKw, type FleetDer, meanPowerKw, reliabilityOf } from './der.ts';
import {
  EXCLUSIONS,
  type Exclusion,
  eligibleFor,
  exclusionOf,
  summariseExclusions,
  type Usage,
} from './eligibility.ts';

const NOW = Date.UTC(2026, 0, 15, 17);
const window = { startMs: NOW + 60_000, endMs: NOW + 3_660_000 };
const programmes = new Map([
  ['standard', STANDARD_PROGRAMME],
  ['once', { ...STANDARD_PROGRAMME, maxEventsPerDay: 1 }],
  ['heat', { ...STANDARD_PROGRAMME, deviceTypes: ['heat-pump' as const] }],
  ['noticed', { ...STANDARD_PROGRAMME, minimumNoticeSeconds: 61 }],
  ['in-time', { ...STANDARD_PROGRAMME, minimumNoticeSeconds: 60 }],
]);
const rules = { telemetryMaxAgeMs: 180_000, maxEventsPerDay: 2, programmes, excluded: new Set(['ev-9']) };
const free: Usage = { held: false, eventsThatDay: 0 };
const live = { online: true, readAtMs: NOW - 10_000, powerKw: 7, shedKw: 7, recent: [] };

const der: FleetDer = {
  derId: 'ev-1' as DerId,
  derNo: 1,
  type: 'ev-charger',
  feederId: 'LPN-041' as FeederId,
  ratedKw: 7.36,
  importMsid: '1000000000001',
  exportMsid: null,
  consent: { fromMs: NOW - 1, untilMs: window.endMs, mode: 'automatic' },
  programmeId: 'standard',
  maintenanceSinceMs: null,
  essential: false,
  asked: 0,
  accepted: 0,
  optedOutUntilMs: 0,
  live,
};

const asked = { ...der.consent, mode: 'ask' as const };

const cases: [Exclusion, Partial<FleetDer>, Partial<Usage>][] = [
  ['essential-use', { essential: true }, {}],
  ['excluded-by-dso', { derId: 'ev-9' as DerId }, {}],
  ['not-subscribed', { programmeId: null }, {}],
  ['not-subscribed', { programmeId: 'unknown-here' }, {}],
  ['not-in-programme', { programmeId: 'heat' }, {}],
  ['programme-notice', { programmeId: 'noticed' }, {}],
  ['consent-not-begun', { consent: { fromMs: NOW + 1, untilMs: window.endMs, mode: 'automatic' } }, {}],
  ['consent-too-short', { consent: { fromMs: NOW - 1, untilMs: window.endMs - 1, mode: 'automatic' } }, {}],
  ['consent-too-short', { consent: { fromMs: NOW - 1, untilMs: NOW + 1, mode: 'automatic' } }, {}],
  ['consent-expired', { consent: { fromMs: NOW - 1, untilMs: NOW, mode: 'automatic' } }, {}],
  ['maintenance', { maintenanceSinceMs: NOW }, {}],
  ['opted-out', { optedOutUntilMs: window.startMs + 1 }, {}],
  ['offline', { live: { ...live, online: false } }, {}],
  ['stale-telemetry', { live: { ...live, readAtMs: NOW - 180_001 } }, {}],
  ['stale-telemetry', { live: { ...live, readAtMs: null } }, {}],
  ['committed', {}, { held: true }],
  ['events-per-day', {}, { eventsThatDay: 2 }],
  ['events-per-day', { programmeId: 'once' }, { eventsThatDay: 1 }],
  ['nothing-to-shed', { live: { ...live, shedKw: 0 } }, {}],
  ['consent-not-asked', { consent: asked }, {}],
  ['consent-asked', { consent: asked }, { question: { answer: null, answerByMs: NOW + 1 } }],
  ['consent-unanswered', { consent: asked }, { question: { answer: null, answerByMs: NOW } }],
  ['consent-declined', { consent: asked }, { question: { answer: 'no', answerByMs: NOW + 1 } }],
];

describe('eligibility', () => {
  it('a device with consent, fresh telemetry and something to shed is eligible', () => {
    expect(exclusionOf(der, free, window, NOW, rules)).to.equal(undefined);
    // The twins of the bounds below.
    const question = { answer: 'yes' as const, answerByMs: NOW - 1 };
    expect(exclusionOf({ ...der, consent: asked }, { ...free, question }, window, NOW, rules)).to.equal(undefined);
    for (const programmeId of ['once', 'in-time'])
      expect(exclusionOf({ ...der, programmeId }, free, window, NOW, rules)).to.equal(undefined);
    expect(exclusionOf({ ...der, optedOutUntilMs: window.startMs }, free, window, NOW, rules)).to.equal(undefined);
    const old = { ...live, readAtMs: NOW - 180_000 };
    expect(exclusionOf({ ...der, live: old }, { held: false, eventsThatDay: 1 }, window, NOW, rules)).to.equal(
      undefined,
    );
  });

  for (const [reason, change, usage] of cases) {
    it(`${reason}: ${JSON.stringify({ ...change, ...usage })}`, () => {
      expect(exclusionOf({ ...der, ...change }, { ...free, ...usage }, window, NOW, rules)).to.equal(reason);
    });
  }

  it('every reason has a case', () => {
    expect([...new Set(cases.map(([reason]) => reason))].sort()).to.deep.equal([...EXCLUSIONS].sort());
  });

  it('essential use counts before anything else, so that its record says so', () => {
    const twice = { ...der, essential: true, live: { ...live, online: false } };
    expect(exclusionOf(twice, { ...free, held: true }, window, NOW, rules)).to.equal('essential-use');
  });

  it('names every device left out with its reason', () => {
    const other = { ...der, derId: 'ev-2' as DerId, derNo: 2, essential: true };
    const third = { ...der, derId: 'ev-3' as DerId, derNo: 3 };
    const usageOf = (derNo: number) => ({ ...free, held: derNo === 3 });
    const { eligible, excluded } = eligibleFor([der, other, third], usageOf, window, NOW, rules);
    expect(eligible.map((one) => one.derId)).to.deep.equal(['ev-1']);
    expect(excluded).to.deep.equal([
      { derId: 'ev-2', reason: 'essential-use' },
      { derId: 'ev-3', reason: 'committed' },
    ]);
    expect(summariseExclusions(excluded)).to.equal('essential-use 1, committed 1');
  });
});

describe('what a device says of itself', () => {
  it('a load cannot shed more than it draws', () => {
    expect(believableShedKw({ type: 'ev-charger', ratedKw: 7 }, 3, 7)).to.equal(3);
    expect(believableShedKw({ type: 'heat-pump', ratedKw: 7 }, 3, 2)).to.equal(2);
    expect(believableShedKw({ type: 'heat-pump', ratedKw: 7 }, 0, 2)).to.equal(0);
  });

  it('a battery can shed what it draws and its rating', () => {
    expect(believableShedKw({ type: 'battery', ratedKw: 5 }, 2, 100)).to.equal(7);
    expect(believableShedKw({ type: 'battery', ratedKw: 5 }, -4, 100)).to.equal(1);
    expect(believableShedKw({ type: 'battery', ratedKw: 5 }, -5, 3)).to.equal(0);
  });

  it('the operational baseline is the mean of the five minutes before, and of them only', () => {
    const recent = [
      { atMs: NOW - 300_000, powerKw: 100 },
      { atMs: NOW - 299_999, powerKw: 4 },
      { atMs: NOW, powerKw: 6 },
      { atMs: NOW + 1, powerKw: 100 },
    ];
    expect(meanPowerKw({ ...live, recent }, NOW, 300_000)).to.equal(5);
    expect(meanPowerKw({ ...live, recent: [] }, NOW, 300_000)).to.equal(7);
  });

  it('reliability starts at the prior and follows the record', () => {
    expect(reliabilityOf({ asked: 0, accepted: 0 })).to.equal(0.95);
    expect(reliabilityOf({ asked: 20, accepted: 0 })).to.equal(0.475);
    expect(reliabilityOf({ asked: 80, accepted: 80 })).to.equal(0.99);
  });
});
