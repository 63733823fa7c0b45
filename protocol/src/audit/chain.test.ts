import { expect } from 'chai';
import { GENESIS_HASH, hashOf, seal, verifyChain } from './chain.ts';
import type { AuditEntry, AuditRecord } from './record.ts';

const entry = (n: number): AuditEntry => ({
  ts_utc: '2026-01-15T17:00:00.000Z',
  event_type: 'order.changed',
  actor_id: 'bap-dso.example.com',
  actor_role: 'BAP',
  decision: `décision ${n}`,
  requested_kw: n / 10,
  rule_inputs: { limit: 1e21, zero: -0, note: null },
});

function chain(length: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (let n = 1; n <= length; n++) records.push(seal(entry(n), n, records.at(-1)?.hash ?? GENESIS_HASH));
  return records;
}

/** As a database may give it back: members in another order, numbers through JSON. */
function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return JSON.parse(JSON.stringify(value));
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

describe('audit chain', () => {
  it('holds, whatever order the members come back in', () => {
    const records = chain(5).map((record) => reversed(record) as AuditRecord);
    expect(Object.keys(records[0]!)[0]).to.equal('hash');
    expect(verifyChain(records)).to.deep.equal({ valid: true, count: 5, headHash: records[4]!.hash });
    expect(verifyChain([])).to.deep.equal({ valid: true, count: 0, headHash: GENESIS_HASH });
  });

  it('hashes the canonical JSON of all but the hash', () => {
    // A known answer: SHA-256 of {"a":1,"b":"é"} in UTF-8, members in order.
    expect(hashOf({ b: 'é', a: 1, hash: 'x' } as unknown as AuditRecord)).to.equal(
      '09ad9fd2fb648cb2f62141215828ea00a62c299db05d20aa9ade2f527a301cc6',
    );
  });

  it('goes on from a checkpoint', () => {
    const records = chain(5);
    const from = { seq: 3, prevHash: records[1]!.hash };
    expect(verifyChain(records.slice(2), from)).to.include({ valid: true, count: 3 });
    expect(verifyChain(records.slice(2))).to.include({ valid: false, seq: 1, reason: 'seq' });
  });

  for (const [name, spoil, seq, reason] of [
    ['a changed member', (r: AuditRecord[]) => r.with(2, { ...r[2]!, requested_kw: 99 }), 3, 'hash'],
    ['an added member', (r: AuditRecord[]) => r.with(2, { ...r[2]!, code: 'X' }), 3, 'hash'],
    ['a changed hash', (r: AuditRecord[]) => r.with(2, { ...r[2]!, hash: r[1]!.hash }), 3, 'hash'],
    ['a record sealed anew', (r: AuditRecord[]) => r.with(2, seal(entry(77), 3, r[1]!.hash)), 4, 'prev_hash'],
    ['a record removed', (r: AuditRecord[]) => r.toSpliced(2, 1), 3, 'seq'],
    ['a record inserted', (r: AuditRecord[]) => r.toSpliced(2, 0, r[1]!), 3, 'seq'],
    ['two records swapped', (r: AuditRecord[]) => [r[0]!, r[2]!, r[1]!, r[3]!, r[4]!], 2, 'seq'],
    ['the first records removed', (r: AuditRecord[]) => r.slice(2), 1, 'seq'],
    [
      'a tail sealed onto another head',
      (r: AuditRecord[]) => [...r.slice(0, 4), seal(entry(5), 5, GENESIS_HASH)],
      5,
      'prev_hash',
    ],
  ] as const) {
    it(`names the place of ${name}`, () => {
      const records = chain(5);
      expect(verifyChain(records).valid).to.equal(true);
      expect(verifyChain(spoil(records))).to.include({ valid: false, seq, reason });
    });
  }
});
