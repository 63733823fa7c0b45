import { Writable } from 'node:stream';
import { expect } from 'chai';
import { gatherWrites } from './gather.ts';

/** Notes how many pieces each call of the system would have had. */
function pieces() {
  const calls: number[] = [];
  const stream = new Writable({
    write: (_chunk, _encoding, done) => {
      calls.push(1);
      done();
    },
    writev: (chunks, done) => {
      calls.push(chunks.length);
      done();
    },
  });
  const packet = (text: string) => {
    stream.cork();
    stream.write(text);
    stream.write('!');
    process.nextTick(() => stream.uncork());
  };
  return { stream, calls, packet };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function packetsOfOneTurn(packet: (text: string) => void): Promise<void> {
  for (const text of ['a', 'b', 'c']) {
    packet(text);
    await Promise.resolve();
    await new Promise<void>((resolve) => process.nextTick(resolve));
  }
  await turn();
  await turn();
}

describe('gathered writes', () => {
  it('the packets of one turn leave together', async () => {
    const { stream, calls, packet } = pieces();
    gatherWrites(stream as never);
    await packetsOfOneTurn(packet);
    expect(calls).to.deep.equal([6]);
    await packetsOfOneTurn(packet);
    expect(calls).to.deep.equal([6, 6]);
  });

  it('without it each leaves alone', async () => {
    const { calls, packet } = pieces();
    await packetsOfOneTurn(packet);
    expect(calls).to.deep.equal([2, 2, 2]);
  });

  it('what is written uncorked does not wait', () => {
    const { stream, calls } = pieces();
    gatherWrites(stream as never);
    stream.write('a');
    expect(calls).to.deep.equal([1]);
  });
});
