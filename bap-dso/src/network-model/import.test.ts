import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { feedersOf } from './feeders.ts';
import { importNetwork } from './import.ts';
import { PROBLEMS_TOLD } from './limits.ts';
import { cycleIn } from './links.ts';
import { NetworkImportError } from './problems.ts';
import { createReach } from './reach.ts';
import { seasonFaults } from './season.ts';

const SAMPLE = join(import.meta.dirname, '..', '..', '..', 'schemas', 'samples', 'network');

const SANDBOX = join(import.meta.dirname, '..', '..', '..', 'sandbox', 'network');

describe('network model', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'flexder-network-'));
    cpSync(SAMPLE, dir, { recursive: true });
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const change = (file: string, from: string | RegExp, to: string) => {
    const path = join(dir, file);
    const before = readFileSync(path, 'utf8');
    const after = before.replace(from, to);
    expect(after, `${file} has ${from}`).to.not.equal(before);
    writeFileSync(path, after);
  };
  const append = (file: string, line: string) => writeFileSync(join(dir, file), `${line}\n`, { flag: 'a' });
  const problems = (): readonly string[] => {
    try {
      importNetwork(dir);
      return [];
    } catch (error) {
      if (error instanceof NetworkImportError) return error.problems;
      throw error;
    }
  };

  it('places stand at their coordinates, a feeder on the busbar of its primary', () => {
    const { places, feeders } = importNetwork(SANDBOX);
    expect(places).to.deep.equal([
      {
        ...{ placeId: 'gsp-fictitious', kind: 'gsp', name: 'Fictitious Grid' },
        position: { latitude: 51.389, longitude: -0.483 },
      },
      {
        ...{ placeId: 'weybridge-primary', kind: 'substation', name: 'Weybridge Primary (fictitious)' },
        position: { latitude: 51.37, longitude: -0.46 },
      },
    ]);
    expect(feeders.get('feeder-1')).to.deep.include({
      substationId: 'weybridge-primary',
      position: { latitude: 51.3755, longitude: -0.4455 },
    });
    expect(importNetwork(SAMPLE).feeders.get('river-lane')).to.include({ substationId: null, position: null });
  });

  it('half a place, one on the wrong side of the world and an unknown primary are told', () => {
    rmSync(dir, { recursive: true });
    cpSync(SANDBOX, dir, { recursive: true });
    expect(problems()).to.deep.equal([]);
    change('feeders.csv', '51.3755,-0.4455', '51.3755,');
    change('feeders.csv', '51.3605,-0.4720', '-0.4720,51.3605');
    change('feeders.csv', 'Mill Lane,normal,weybridge-primary', 'Mill Lane,normal,elsewhere');
    expect(problems()).to.deep.equal([
      'feeders.csv, line 2, longitude: is missing: a place has both coordinates or none',
      'feeders.csv, line 3, latitude: -0.472 is more than 5 degrees from the middle of the network (51.37): are latitude and longitude the wrong way round?',
      'feeders.csv, line 4, substation_id: elsewhere is no substation of substations.csv',
    ]);
    change('gsps.csv', '51.3890', '91');
    expect(problems()).to.deep.equal([
      'gsps.csv, line 2, latitude: must be a number from -90 and at most 90, not "91"',
    ]);
  });

  it('imports the sample set', () => {
    const model = importNetwork(SAMPLE);
    expect([model.feeders.size, model.gsps.size, model.ders.length]).to.deep.equal([3, 2, 5]);
    const heathRoad = model.feeders.get('heath-road')!;
    expect(heathRoad.ratings[0]).to.deep.equal({
      season: 'winter',
      from: '12-01',
      to: '02-29',
      // The feeder's 9,000 kW are less than both transformers; with the larger one out 4,800 + 500 kW are left.
      normalKw: 9_000,
      firmKw: 5_300,
      limitKw: 5_300,
    });
    expect(model.feeders.get('river-lane')).to.deep.include({
      releaseShare: 0.9,
      gspGroupId: '_J',
      exportLimitKw: null,
    });
    expect(model.feeders.get('river-lane')!.ratings[2]).to.include({ normalKw: 2_700, firmKw: null, limitKw: 2_700 });
    expect(heathRoad.essentialLoads).to.deep.equal({ count: 2, peakKw: 182 });
    expect(heathRoad.place).to.deep.equal({
      postcodes: ['KT13 8', 'KT13 9'],
      operatingZone: 'WOKING',
      constraintIds: ['CON-7'],
    });
    expect(model.ders.filter(({ essential }) => essential).map(({ derId }) => derId)).to.deep.equal(['der-5']);
  });

  it('takes an export limit where one is known, and no other than a power', () => {
    change('feeders.csv', /(\S)$/gm, '$1,');
    change('feeders.csv', /^(feeder_id.*),$/m, '$1,export_limit_kw');
    change('feeders.csv', /^(heath-road.*),$/m, '$1,1500.5');
    const feeders = feedersOf(importNetwork(dir));
    expect(feeders.map(({ exportLimitKw }) => exportLimitKw)).to.deep.equal([1_500.5, undefined, undefined]);
    change('feeders.csv', '1500.5', '-3');
    expect(problems()[0]).to.match(/^feeders\.csv, line 2, export_limit_kw: must be a number above 0/);
  });

  it('takes a byte order mark, Windows lines, blank lines, quotes and columns in any order', () => {
    const gsps = '\ufeffgsp_group_id,name,gsp_id\r\n_J,"West, ""the"" Grid",gsp-west\r\n\r\n_J,East,gsp-east\r\n';
    writeFileSync(join(dir, 'gsps.csv'), gsps);
    expect(problems()).to.deep.equal([]);
  });

  it('names every bad cell at once, by file, line and column', () => {
    change('ratings.csv', 'heath-road,spring,8600', 'heath-road,spring,-3');
    change('ratings.csv', 'heath-road,summer,8000', 'heath-road,summer,0');
    change('feeders.csv', ',firm,', ',n-1,');
    change('ders.csv', '1900000000002', '19000');
    change('links.csv', 'gsp-east,river-lane,0.3', 'gsp-east,river-lane,1.3');
    append('gsps.csv', 'gsp-north,North');
    expect(problems()).to.deep.equal([
      'ders.csv, line 3, msid: must be 13 digits, not "19000"',
      'feeders.csv, line 2, limit_basis: must be one of normal, firm, not "n-1"',
      'gsps.csv, line 4: has 2 cells, the header has 3',
      'links.csv, line 5, share: must be a number above 0 and at most 1, not "1.3"',
      'ratings.csv, line 3, rating_kw: must be a number above 0 and at most 1000000, not "-3"',
      'ratings.csv, line 4, rating_kw: must be a number above 0 and at most 1000000, not "0"',
    ]);
  });

  it('tells a bounded number of them, and how many more there are', () => {
    for (let i = 0; i < PROBLEMS_TOLD + 20; i++) append('ratings.csv', `heath-road,winter,x${i}`);
    expect(problems()).to.have.length(PROBLEMS_TOLD + 1);
    expect(problems().at(-1)).to.equal('and 20 more');
  });

  const whole: readonly [string, () => void, string][] = [
    [
      'an unknown feeder',
      () => append('transformers.csv', 'river-lane-t1,river-rd,River Lane T1'),
      'transformers.csv, line 4, feeder_id: river-rd is no feeder of feeders.csv',
    ],
    [
      'a meter twice',
      () => append('ders.csv', 'der-6,1900000000101,,heath-road,gsp-west,3,'),
      'ders.csv, line 7, msid: 1900000000101 stands in ders.csv line 2 already',
    ],
    [
      'a name that is a place already',
      () => append('transformers.csv', 'gsp-west,heath-road,T3'),
      'transformers.csv, line 4, transformer_id: gsp-west stands in gsps.csv line 2 already',
    ],
    [
      'a season without a rating',
      () => change('ratings.csv', 'river-lane,autumn,2900\n', ''),
      'feeders.csv, line 4, feeder_id: river-lane has no rating for autumn (ratings.csv)',
    ],
    [
      'two ratings of one season',
      () => append('ratings.csv', 'river-lane,autumn,1'),
      'ratings.csv, line 22: river-lane has two ratings for autumn',
    ],
    [
      'a feeder that is fed partly',
      () => change('links.csv', 'gsp-east,river-lane,0.3\n', ''),
      'feeders.csv, line 4, feeder_id: river-lane: the shares of its links add up to 0.7, not to 1 (links.csv)',
    ],
    [
      'a circle',
      () => change('links.csv', 'gsp-west,heath-road,1', 'heath-road-f07,heath-road,1'),
      'links.csv: links go in a circle: heath-road-f07 → heath-road → heath-road-f07',
    ],
    [
      'a device at a GSP that does not feed it',
      () => change('ders.csv', 'heath-road,gsp-west,3', 'heath-road,gsp-east,3'),
      'ders.csv, line 6, gsp_id: gsp-east does not feed heath-road, where the device is (links.csv)',
    ],
    [
      'a firm limit without transformers',
      () => change('feeders.csv', 'River Lane 11 kV,normal', 'River Lane 11 kV,firm'),
      'feeders.csv, line 4, limit_basis: river-lane has no firm rating in winter: no transformer is known; add transformers or transfer_kw, or set normal',
    ],
    [
      'a gap of seasons',
      () => change('network.json', '"to": "02-29"', '"to": "02-14"'),
      'network.json, seasons: no season has 02-15 to 02-29',
    ],
    [
      'days in two seasons',
      () => change('network.json', '"from": "03-01"', '"from": "02-28"'),
      'network.json, seasons: 02-28 to 02-29 is in winter and spring',
    ],
    [
      'a column that is none',
      () => change('gsps.csv', 'gsp_group_id', 'gsp_group'),
      'gsps.csv, line 1, gsp_group: is no column of this file; it has: gsp_id, name, gsp_group_id',
    ],
    ['a misspelt file', () => writeFileSync(join(dir, 'der.csv'), 'x\n'), 'der.csv: is no file of a network set'],
    ['a missing file', () => rmSync(join(dir, 'links.csv')), 'links.csv: is missing'],
    [
      'a quote that is never closed',
      () => append('gsps.csv', 'gsp-north,"North,_J'),
      'gsps.csv, line 4: is not CSV from here on: Quote Not Closed',
    ],
    [
      'bytes that are no text',
      () => writeFileSync(join(dir, 'gsps.csv'), Buffer.from([0xff])),
      'gsps.csv: is not UTF-8',
    ],
    ['JSON that is none', () => writeFileSync(join(dir, 'network.json'), '{'), 'network.json: is not JSON'],
    [
      'a member that is none',
      () => change('network.json', '"version": 1', '"version": 1, "x": 2'),
      'network.json: Unrecognized key: "x"',
    ],
  ];
  for (const [what, break_, text] of whole) {
    it(`refuses ${what}`, () => {
      expect(problems(), 'before').to.deep.equal([]);
      break_();
      expect(
        problems().filter((problem) => problem.startsWith(text)),
        problems().join('\n'),
      ).to.have.length(1);
    });
  }

  it('a folder that is not there says so', () => {
    expect(() => importNetwork(join(dir, 'no'))).to.throw(NetworkImportError, 'is not a folder');
  });

  it('finds a circle in a long chain without recursion, and none in a diamond', () => {
    const chain = Array.from({ length: 10_000 }, (_, i) => ({ from_id: `f${i}`, to_id: `f${i + 1}` }));
    expect(cycleIn(chain)).to.equal(undefined);
    expect(cycleIn([...chain, { from_id: 'f10000', to_id: 'f9998' }])).to.deep.equal([
      'f9998',
      'f9999',
      'f10000',
      'f9998',
    ]);
    const diamond = ['a b', 'a c', 'b d', 'c d'].map((pair) => pair.split(' ') as [string, string]);
    expect(cycleIn(diamond.map(([from_id, to_id]) => ({ from_id, to_id })))).to.equal(undefined);
  });

  it('seasons may turn the year', () => {
    const year = { season: 'all', from: '07-01', to: '06-30' };
    expect(seasonFaults([year])).to.deep.equal({ gaps: [], overlaps: [] });
    expect(seasonFaults([{ ...year, to: '06-28' }])).to.deep.equal({ gaps: ['06-29 to 06-30'], overlaps: [] });
  });

  describe('what reaches a feeder', () => {
    const reach = createReach(importNetwork(SAMPLE));
    const of = (location: string, feeder: string, aggregator = 'another') => reach(aggregator, location, feeder);

    it('all of what is behind it, nothing of what is elsewhere or before it', () => {
      expect(of('heath-road', 'heath-road')).to.equal(1);
      expect(of('heath-road-f07', 'heath-road')).to.equal(1);
      expect(of('heath-road', 'heath-road-f07')).to.equal(0);
      expect(of('river-lane', 'heath-road')).to.equal(0);
      expect(of('nowhere', 'heath-road')).to.equal(0);
    });

    it('of a GSP the share of its devices that hang there, by what it feeds of them', () => {
      // Behind gsp-west: 5 and 7.4 kW on Heath Road, and 70 % of 17.4 kW on River Lane. The essential meter counts not.
      const west = 5 + 7.4 + 0.7 * 17.4;
      expect(of('gsp-west', 'heath-road')).to.be.closeTo(12.4 / west, 1e-9);
      expect(of('gsp-west', 'heath-road-f07')).to.be.closeTo(7.4 / west, 1e-9);
      expect(of('gsp-west', 'river-lane')).to.be.closeTo((0.7 * 17.4) / west, 1e-9);
      expect(of('gsp-east', 'river-lane')).to.equal(1);
      expect(of('gsp-east', 'heath-road')).to.equal(0);
    });

    it('of an aggregator whose devices are known, those alone', () => {
      const own = 5 + 7.4 + 0.7 * 7.4;
      expect(of('gsp-west', 'heath-road', 'brightgrid.flexder.example')).to.be.closeTo(12.4 / own, 1e-9);
    });
  });
});
