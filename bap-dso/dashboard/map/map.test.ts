import { expect } from 'chai';
import type { FeederView } from '../../src/operator-api/deps.ts';
import type { NetworkFeederView, NetworkView } from '../../src/operator-api/network.ts';
import { fitted, moved, onScreen, projection, scaleBar, zoomed } from './geo.ts';
import { geographic, hasPlaces, schematic } from './layout.ts';
import { named, rankOf, signOf } from './marks.ts';
import { treeOf } from './tree.ts';

const NOW_MS = Date.parse('2026-01-15T17:00:00Z');
const at = (latitude: number, longitude: number) => ({ latitude, longitude });

function feeder(feederId: string, more: Partial<NetworkFeederView> = {}): NetworkFeederView {
  const none = { substationId: null, position: null };
  return { feederId, name: feederId, ...none, ...more } as NetworkFeederView;
}

/** One GSP feeds a primary with two feeders, and with another GSP a third that has a feeder below it. */
const NETWORK = {
  places: [
    { placeId: 'west', kind: 'gsp', name: 'West', position: at(51.4, -0.5) },
    { placeId: 'east', kind: 'gsp', name: 'East', position: null },
    { placeId: 'primary', kind: 'substation', name: 'Primary', position: at(51.37, -0.46) },
  ],
  links: [
    { fromId: 'west', toId: 'f1', share: 1 },
    { fromId: 'west', toId: 'f2', share: 1 },
    { fromId: 'east', toId: 'f3', share: 0.3 },
    { fromId: 'west', toId: 'f3', share: 0.7 },
    { fromId: 'f3', toId: 'f4', share: 1 },
  ],
  feeders: [
    feeder('f1', { substationId: 'primary', position: at(51.36, -0.46) }),
    feeder('f2', { substationId: 'primary' }),
    feeder('f3'),
    feeder('f4', { position: at(51.38, -0.44) }),
  ],
} as unknown as NetworkView;

const watched = (more: Partial<FeederView> = {}): FeederView =>
  ({ powerKw: 50, limitKw: 100, releaseKw: 95, at: NOW_MS, forecast: [], ...more }) as unknown as FeederView;

describe('map', () => {
  it('projects to km: a degree of latitude is 111.2 km, one of longitude narrows with the cosine', () => {
    const project = projection([at(51, -1), at(52, 0)]);
    expect(project(at(51.5, -0.5)), 'the middle').to.deep.equal({ x: 0, y: 0 });
    const corner = project(at(52, 0));
    expect(corner.y, 'north is up').to.be.closeTo(-111.195 / 2, 0.001);
    expect(corner.x).to.be.closeTo((111.195 / 2) * Math.cos((51.5 * Math.PI) / 180), 0.001);
  });

  it('a scale bar is a round length that fits', () => {
    expect(scaleBar(50, 120)).to.deep.equal({ km: 2, px: 100 });
    expect(scaleBar(130, 120)).to.deep.equal({ km: 0.5, px: 65 });
    expect(scaleBar(1, 120)).to.deep.equal({ km: 100, px: 100 });
  });

  it('zooming keeps what is under the pointer, within its bounds, and nothing is lost from sight', () => {
    const size = { width: 800, height: 400 };
    const bounds = { left: -2, top: -1, right: 2, bottom: 1 };
    const zoom = { least: 10, most: 1_000 };
    const view = fitted(bounds, size, zoom);
    for (const corner of [
      { x: -2, y: -1 },
      { x: 2, y: 1 },
    ]) {
      const { x, y } = onScreen(corner, view, size);
      expect(x).to.be.within(0, 800);
      expect(y).to.be.within(0, 400);
    }
    const before = onScreen({ x: 1, y: 0.5 }, view, size);
    const nearer = zoomed(view, 2, zoom, { x: before.x - 400, y: before.y - 200 });
    const after = onScreen({ x: 1, y: 0.5 }, nearer, size);
    expect([after.x, after.y].map(Math.round)).to.deep.equal([before.x, before.y].map(Math.round));
    expect(zoomed(view, 1e9, zoom).scale).to.equal(1_000);
    expect(zoomed(view, 1e-9, zoom).scale).to.equal(10);
    expect(moved(view, 1e9, -1e9, bounds)).to.include({ x: 2, y: -1 });
  });

  it('one place alone, or none, is a view', () => {
    const one = { left: 3, top: 4, right: 3, bottom: 4 };
    const view = fitted(one, { width: 800, height: 400 }, { least: 1, most: 200 });
    expect([view.scale, view.y]).to.deep.equal([200, 4]);
  });

  it('a tree hangs a feeder on its primary, a primary on its GSP, and names second feeds', () => {
    const { nodes, feeds } = treeOf(NETWORK, [{ feederId: 'f9', name: 'Not in the model' }]);
    const parents = Object.fromEntries(nodes.map(({ id, parentId }) => [id, parentId]));
    expect(parents).to.deep.equal({
      ...{ west: undefined, east: undefined, primary: 'west' },
      ...{ f1: 'primary', f2: 'primary', f3: 'west', f4: 'f3', f9: undefined },
    });
    expect(feeds.filter(({ second }) => second)).to.deep.equal([{ fromId: 'east', toId: 'f3', second: true }]);
  });

  it('by coordinates: what has none is left out and counted, its line comes from what is above it', () => {
    const tree = treeOf(NETWORK, []);
    const { spots, lines, unplaced } = geographic(tree);
    expect(hasPlaces(tree)).to.equal(true);
    expect(spots.map(({ node }) => node.id).sort()).to.deep.equal(['f1', 'f4', 'primary', 'west']);
    expect(unplaced).to.equal(2);
    const ends = lines.map(({ key, from }) => [key, spots.find((one) => one === from)!.node.id]);
    expect(ends).to.deep.equal([
      ['west primary', 'west'],
      ['primary f1', 'primary'],
      ['f3 f4', 'west'],
    ]);
  });

  it('as a diagram: every feeder has a row of its own or stands before those it feeds', () => {
    const { spots, unplaced } = schematic(treeOf(NETWORK, []));
    const rows = Object.fromEntries(spots.map(({ node, y }) => [node.id, y]));
    expect(unplaced).to.equal(0);
    expect([rows.f1, rows.f2, rows.primary]).to.deep.equal([0, 1, 0.5]);
    expect(rows.f3).to.equal(rows.f4);
    const { x } = spots.find(({ node }) => node.id === 'f4')!;
    expect(x, 'right of what feeds it').to.be.above(spots.find(({ node }) => node.id === 'f3')!.x);
    expect(schematic(treeOf(null, [{ feederId: 'f9', name: 'Alone' }])).spots).to.have.length(1);
  });

  it('a sign says what is the matter, the worst first', () => {
    const forecast = [{ atMs: NOW_MS + 1, powerKw: 100, lowKw: 90, highKw: 110 }];
    const letter = (more: Partial<FeederView>) => signOf(watched(more), NOW_MS).letter;
    expect(letter({})).to.equal('');
    expect(letter({ powerKw: 96 })).to.equal('N');
    expect(letter({ forecast })).to.equal('F');
    expect(letter({ at: NOW_MS - 3_600_000 })).to.equal('?');
    expect(letter({ powerKw: null })).to.equal('?');
    expect(letter({ powerKw: 101, at: NOW_MS - 3_600_000 }), 'old, and over all the same').to.equal('O');
    expect(signOf(undefined, NOW_MS).words).to.equal('not watched');
    const rank = (more: Partial<FeederView>, event = false) => rankOf(signOf(watched(more), NOW_MS), event);
    expect(rank({ powerKw: 101 })).to.be.below(rank({ powerKw: 96 }));
    expect(rank({}, true)).to.be.below(rank({}));
  });

  it('a name that would cover another, or a mark, is left out unless it is needed; the first given stays', () => {
    const spot = (id: string, x: number, y: number, needed = false) => ({ id, x, y, needed });
    expect([...named([spot('a', 0, 0), spot('b', 60, 10), spot('c', 0, 50)])]).to.deep.equal(['b', 'c']);
    expect([...named([spot('a', 0, 0, true), spot('b', 60, 10), spot('c', 0, 50)])]).to.deep.equal(['a', 'c']);
    expect([...named([spot('a', 0, 0), spot('b', 140, 10)])], 'side by side').to.deep.equal(['a', 'b']);
  });
});
