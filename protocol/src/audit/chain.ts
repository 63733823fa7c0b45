/**
 * The hash chain over audit records: who changes, removes or inserts one is named by its place.
 */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { AuditEntry, AuditRecord } from './record.ts';

/** `prev_hash` of the first record. */
export const GENESIS_HASH = '0'.repeat(64);
export const FIRST_SEQ = 1;

/** @param prevHash the hash of record `seq - 1`, GENESIS_HASH for the first */
export function seal(entry: AuditEntry, seq: number, prevHash: string): AuditRecord {
  const record = { ...entry, seq, prev_hash: prevHash };
  return { ...record, hash: hashOf(record) };
}

/** Lower-case hex SHA-256 over the canonical JSON (RFC 8785) of all members but `hash`. */
export function hashOf(record: Omit<AuditRecord, 'hash'> | AuditRecord): string {
  const { hash: _, ...rest } = record as AuditRecord;
  const text = canonicalize(rest);
  if (text === undefined) throw new TypeError('an audit record is an object');
  return createHash('sha256').update(text).digest('hex');
}

export type ChainVerdict =
  | { readonly valid: true; readonly count: number; readonly headHash: string }
  | {
      readonly valid: false;
      /** Of the first broken record. */
      readonly seq: number;
      readonly reason: 'hash' | 'prev_hash' | 'seq';
      readonly detail: string;
    };

/** Where a verification starts; absent, at the first record. */
export interface ChainStart {
  /** Of the first record to come. */
  readonly seq: number;
  readonly prevHash: string;
}

/** Recomputes every hash, in order of `seq`, and names the first record that does not fit. */
export function verifyChain(records: Iterable<AuditRecord>, from?: ChainStart): ChainVerdict {
  let seq = from?.seq ?? FIRST_SEQ;
  let headHash = from?.prevHash ?? GENESIS_HASH;
  let count = 0;
  for (const record of records) {
    const fault = faultOf(record, seq, headHash);
    if (fault !== undefined) return { valid: false, ...fault };
    headHash = record.hash;
    seq++;
    count++;
  }
  return { valid: true, count, headHash };
}

function faultOf(record: AuditRecord, seq: number, prevHash: string) {
  if (record.seq !== seq) {
    return {
      seq,
      reason: 'seq',
      detail: `expected record ${seq}, found ${record.seq}: records are missing or moved`,
    } as const;
  }
  // The own hash first: a record that was changed in place is named itself, not its successor.
  const hash = hashOf(record);
  if (hash !== record.hash) {
    return { seq, reason: 'hash', detail: `record ${seq} hashes to ${hash}, it claims ${record.hash}` } as const;
  }
  if (record.prev_hash !== prevHash) {
    return {
      seq,
      reason: 'prev_hash',
      detail: `record ${seq} follows ${record.prev_hash}, the record before it has ${prevHash}`,
    } as const;
  }
  return undefined;
}
