import { expect } from 'chai';
import { recordingLogger } from '../../testing/quiet.ts';
import { eventConformance } from './conformance.ts';
import { memoryEvents } from './memory.ts';

describe('event stream memory', () => {
  eventConformance({ open: async () => memoryEvents(recordingLogger()), durable: false });

  it('logs what a handler throws', async () => {
    const log = recordingLogger();
    const stream = memoryEvents(log);
    await stream.subscribe('orders', () => {
      throw new Error('handler');
    });
    await stream.publish([{ topic: 'orders', key: 'a', value: 1 }]);
    expect(log.lines).to.have.length(1);
    expect(log.lines[0]).to.deep.include({ level: 'error', fields: { topic: 'orders', error: 'Error: handler' } });
  });
});
