/** Merkle trees over SHA-256 as RFC 9162 §2.1 has them: root, inclusion proof, and its verification. */
import { createHash } from 'node:crypto';

/** A leaf can never be taken for an inner node (RFC 9162 §2.1.1). */
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const leafHash = (entry: Uint8Array): Uint8Array => sha256(LEAF, entry);
const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(NODE, left, right);

/** Of an empty list the hash of nothing. `entries` are the leaves' data, not yet hashed. */
export function merkleRoot(entries: readonly Uint8Array[]): Uint8Array {
  return entries.length === 0 ? sha256() : rootOf(entries.map(leafHash));
}

/**
 * The nodes that lead from entry `index` to the root, nearest first (RFC 9162 §2.1.3.1). Throws a RangeError when
 * there is no such entry.
 */
export function inclusionProof(entries: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= entries.length)
    throw new RangeError(`there is no entry ${index} among ${entries.length}`);
  return pathOf(entries.map(leafHash), index);
}

/** Whether `entry` stands at `index` in the tree of `size` entries with this root (RFC 9162 §2.1.3.2). Never throws. */
export function verifyInclusion(
  entry: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let place = index;
  let last = size - 1;
  let hash = leafHash(entry);
  for (const sibling of proof) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      hash = nodeHash(sibling, hash);
      // The rightmost node of a level may stand for the same node on levels above it.
      while (place % 2 === 0 && place !== 0) [place, last] = above(place, last);
    } else {
      hash = nodeHash(hash, sibling);
    }
    [place, last] = above(place, last);
  }
  return last === 0 && Buffer.from(hash).equals(root);
}

const above = (place: number, last: number): [number, number] => [Math.floor(place / 2), Math.floor(last / 2)];

/** The largest power of two below `size`, which is at least 2. */
function split(size: number): number {
  let half = 1;
  while (half * 2 < size) half *= 2;
  return half;
}

function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only && leaves.length === 1) return only;
  const half = split(leaves.length);
  return nodeHash(rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half)));
}

function pathOf(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (leaves.length === 1) return [];
  const half = split(leaves.length);
  return index < half
    ? [...pathOf(leaves.slice(0, half), index), rootOf(leaves.slice(half))]
    : [...pathOf(leaves.slice(half), index - half), rootOf(leaves.slice(0, half))];
}
