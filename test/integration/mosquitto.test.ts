/** One activation on a real Mosquitto over MQTT 5, from the overload to its settlement. */
import type { Summary } from '@flexder/bap-dso/operator-api/summary.ts';
import { expect } from 'chai';
import { needsMosquitto, openMosquitto } from '../harness/mosquitto.ts';
import { TestNetwork } from '../harness/network.ts';

const MINUTE_MS = 60_000;

describe('one activation on Mosquitto, MQTT 5', function () {
  this.timeout(120_000);
  before(needsMosquitto);

  it('is dispatched, answered by every device, verified, released and settled', async () => {
    const outside = await openMosquitto(5);
    try {
      await using net = await TestNetwork.create({ ders: 60, outside });
      expect(net.mqttUrl).to.equal(outside.url);
      for (let minute = 0; minute < 2; minute++) await net.advance(MINUTE_MS);
      net.feeder.push(1.3);
      await net.advance(MINUTE_MS);
      net.feeder.relax();
      for (let i = 0; i < 25; i++) await net.advance(5 * MINUTE_MS);

      const summary = await net.api<Summary>('/api/v1/summary');
      expect(summary.overloads.map(({ state }) => state)).to.deep.equal(['RELEASED']);
      expect(summary.commands).to.equal(net.fleet.counts.commandsReceived).and.to.be.above(0);
      expect(summary.acks).to.deep.equal({ accepted: summary.commands, rejected: 0, optedOut: 0, silent: 0 });
      expect(summary.settlement.rows).to.be.above(0);
      expect(Number(summary.settlement.paymentGbp)).to.be.above(0);
      expect(summary.audit.verified).to.equal(true);
    } finally {
      await outside.stop();
    }
  });
});
