import { expect } from 'chai';
import { inclusionProof, leafHash, merkleRoot, verifyInclusion } from './merkle.ts';

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');

/** The entries that implementations of Certificate Transparency are tested with, and the root after each. */
const ENTRIES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(bytes);
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
/** Index, size, proof: from the same tests. */
const PROOFS: [number, number, string[]][] = [
  [0, 1, []],
  [
    0,
    8,
    [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ],
  ],
  [
    5,
    8,
    [
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ],
  ],
  [2, 3, ['fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125']],
  [
    1,
    5,
    [
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    ],
  ],
];

describe('Merkle trees of RFC 9162', () => {
  it('have the roots of the known vectors', () => {
    expect(hex(merkleRoot([]))).to.equal('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    for (const [index, root] of ROOTS.entries()) expect(hex(merkleRoot(ENTRIES.slice(0, index + 1)))).to.equal(root);
  });

  it('have the inclusion proofs of the known vectors', () => {
    for (const [index, size, proof] of PROOFS) {
      expect(inclusionProof(ENTRIES.slice(0, size), index).map(hex)).to.deep.equal(proof);
      expect(verifyInclusion(ENTRIES[index]!, index, size, proof.map(bytes), bytes(ROOTS[size - 1]!))).to.equal(true);
    }
  });

  it('prove every entry of trees of many sizes, and at no other place', () => {
    const many = Array.from({ length: 17 }, (_, index) => Buffer.from(`record ${index}`));
    for (let size = 1; size <= many.length; size++) {
      const tree = many.slice(0, size);
      const root = merkleRoot(tree);
      for (const [index, entry] of tree.entries()) {
        const proof = inclusionProof(tree, index);
        expect(verifyInclusion(entry, index, size, proof, root), `${index} of ${size}`).to.equal(true);
        for (let other = 0; other < size; other++) {
          if (other !== index) expect(verifyInclusion(entry, other, size, proof, root)).to.equal(false);
        }
      }
    }
  });

  it('refuse a proof with one thing changed', () => {
    const proof = inclusionProof(ENTRIES, 5);
    const root = merkleRoot(ENTRIES);
    const entry = ENTRIES[5]!;
    expect(verifyInclusion(entry, 5, 8, proof, root)).to.equal(true);
    expect(verifyInclusion(bytes('40414244'), 5, 8, proof, root), 'another entry').to.equal(false);
    expect(verifyInclusion(entry, 5, 8, proof.slice(1), root), 'too short').to.equal(false);
    expect(verifyInclusion(entry, 5, 8, [...proof, root], root), 'too long').to.equal(false);
    expect(verifyInclusion(entry, 5, 8, proof.toReversed(), root), 'another order').to.equal(false);
    expect(verifyInclusion(entry, 5, 8, proof, merkleRoot(ENTRIES.slice(0, 7))), 'another root').to.equal(false);
    expect(verifyInclusion(entry, 8, 8, proof, root), 'beyond the end').to.equal(false);
    expect(verifyInclusion(entry, -1, 8, proof, root), 'before the start').to.equal(false);
    expect(verifyInclusion(entry, 5, 0, [], root), 'an empty tree').to.equal(false);
    expect(verifyInclusion(entry, 0.5, 8, proof, root), 'no whole number').to.equal(false);
  });

  it('do not take an inner node for an entry', () => {
    const [left, right] = [leafHash(ENTRIES[0]!), leafHash(ENTRIES[1]!)];
    expect(hex(merkleRoot([Buffer.concat([left, right])]))).to.not.equal(hex(merkleRoot(ENTRIES.slice(0, 2))));
  });

  it('prove nothing of an entry that is not there', () => {
    for (const index of [-1, 8, 1.5]) expect(() => inclusionProof(ENTRIES, index)).to.throw(RangeError, 'no entry');
  });
});
