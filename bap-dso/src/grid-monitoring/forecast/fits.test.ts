import { seededRandom } from '@flexder/runtime/random.ts';
import { expect } from 'chai';
import { LoadModel } from './load-model.ts';

const STEP_MS = 1_800_000;
const NOISE_KW = 10;
const FIRST_SLOT = Date.UTC(2026, 0, 5) / STEP_MS;

/** Forecasts of a model after all its first fits, and how many those were. */
function fitted(days: number, deferred: boolean) {
  const random = seededRandom('fits');
  const model = new LoadModel({ stepMs: STEP_MS, aheads: [1, 8], deferred });
  model.fitsDaily = false;
  for (let i = 0; i < days * 48; i++) {
    model.observe(FIRST_SLOT + i, 500 - 200 * Math.cos((2 * Math.PI * i) / 48) + random.normal(0, NOISE_KW));
  }
  model.fit();
  const firstSaid = model.predict(0)?.model;
  let fits = 0;
  while (model.refit()) fits++;
  const opinions = [0, 1].map((i) => model.predict(i)!.opinions[1]);
  return { opinions, fits, firstSaid };
}

describe('first fits', () => {
  it('in turns forecast nearly what those at once do, from half of a long history', () => {
    const [atOnce, inTurns] = [fitted(40, false), fitted(40, true)];
    atOnce.opinions.forEach((opinion, i) => {
      const other = inTurns.opinions[i];
      expect(other, 'of other examples').to.not.equal(opinion);
      expect(Math.abs(other! - opinion!), 'by less than the noise').to.be.below(NOISE_KW);
    });
  });

  it('of a short history read all of it, in turns too', () => {
    expect(fitted(18, true).opinions).to.deep.equal(fitted(18, false).opinions);
  });

  it('in turns say until then that they have the usual load, and at once never', () => {
    expect(fitted(40, true)).to.include({ firstSaid: 'profile', fits: 3 });
    expect(fitted(40, false)).to.include({ firstSaid: 'ridge', fits: 0 });
  });
});
