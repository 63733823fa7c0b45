import { needsKafka, startKafka } from '@flexder/runtime/testing/kafka.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { flexder } from './flexder.ts';

describe('flexder bench', function () {
  this.timeout(60_000);
  before(thorough);

  it('measures what a signed message costs beside one that is only parsed', () => {
    const { code, out, err } = flexder(['bench', 'inbound', '--n', '64']);
    expect(code, err).to.equal(0);
    const result = JSON.parse(out);
    expect(result).to.include({ bench: 'inbound', messages: 64, rounds: 8 });
    expect(result.ratioByRound).to.have.length(8);
    expect(result.ratio).to.be.above(0).and.below(1);
    for (const side of ['signed', 'bareExpress']) {
      expect(result[side].latencyMs.count, side).to.equal(64);
      expect(result[side].perSecond, side).to.be.above(0);
    }
  });

  it('measures telemetry into the database beside rows that are only inserted', () => {
    const { code, out, err } = flexder(['bench', 'ingest', '--n', '8000']);
    expect(code, err).to.equal(0);
    const result = JSON.parse(out);
    expect(result).to.include({ bench: 'ingest', database: 'pglite', rows: 8_000, rounds: 8 });
    expect(result.ratioByRound).to.have.length(8);
    expect(result.ratio).to.be.above(0);
  });

  it('measures feeder telemetry beside rows that are only inserted, from ten feeders on', () => {
    const { code, out, err } = flexder(['bench', 'feeders', '--feeders', '20', '--n', '1000']);
    expect(code, err).to.equal(0);
    const { scales, ...result } = JSON.parse(out);
    expect(result).to.deep.include({ bench: 'feeders', database: 'pglite', perRound: 200, rounds: 5 });
    expect(scales.map(({ feeders }: { feeders: number }) => feeders)).to.deep.equal([10, 20]);
    for (const { busRatio, streamRatio } of scales)
      for (const ratio of [busRatio, streamRatio]) expect(ratio).to.be.above(0);
  });

  it('measures the audit chain and a day of settlement', () => {
    const audit = flexder(['bench', 'audit', '--n', '400']);
    expect(audit.code, audit.err).to.equal(0);
    const { bundle, ...rates } = JSON.parse(audit.out);
    expect(rates).to.include({ bench: 'audit', records: 400 });
    for (const name of ['sealedPerSecond', 'checkpointedPerSecond', 'verifiedPerSecond'])
      expect(rates[name], name).to.be.above(0);
    expect(bundle.records).to.equal(40);
    const settlement = flexder(['bench', 'settlement', '--n', '5']);
    expect(settlement.code, settlement.err).to.equal(0);
    const { compute, throughDatabase } = JSON.parse(settlement.out);
    expect(compute).to.include({ activations: 5, rows: 100, pairs: 50 });
    expect(throughDatabase).to.include({ activations: 5 });
  });

  it('measures telemetry over Kafka beside the bare client', async function () {
    // A broker starts before, and another Java beside it.
    this.timeout(240_000);
    needsKafka('apache').call(this);
    const kafka = await startKafka();
    try {
      const { code, out, err } = flexder([
        'bench',
        'stream',
        '--kafka',
        kafka.url('bench'),
        '--n',
        '600',
        '--feeders',
        '20',
      ]);
      expect(code, err).to.equal(0);
      const result = JSON.parse(out);
      expect(result).to.include({ bench: 'stream', readings: 600, rounds: 6, feeders: 20 });
      expect(result.oursPerSecond).to.be.above(0);
      expect(result.barePerSecond).to.be.above(0);
      expect(result.ratioByRound).to.have.length(6);
    } finally {
      await kafka.stop();
    }
  });

  it('asks what to measure', () => {
    const { code, err } = flexder(['bench']);
    expect(code).to.equal(2);
    expect(err).to.contain('say what to measure');
    expect(flexder(['bench', 'stream']).err).to.contain('--kafka is required');
  });
});
