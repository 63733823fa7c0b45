/**
 * One step of the one flow, as a regulator reads it. Members are those of the audit record schema; what does
 * not apply is absent. No personal data: devices appear by their pseudonymous DER id.
 */
export interface AuditEntry {
  /** RFC 3339, UTC, wall time. */
  readonly ts_utc: string;
  /** Grid time of the step when it differs from wall time, RFC 3339 UTC. */
  readonly grid_ts_utc?: string;
  /** Dotted name, e.g. `overload.detected`, `beckn.sent`, `beckn.received`, `beckn.rejected`, `plan.chosen`, `order.changed`, `command.answered`, `response.verified`, `settlement.computed`. */
  readonly event_type: string;
  readonly actor_id: string;
  readonly actor_role: 'BAP' | 'BPP' | 'BG' | 'REGISTRY' | 'OPERATOR' | 'DEVICE';
  readonly transaction_id?: string;
  readonly message_id?: string;
  readonly beckn_action?: string;
  readonly order_id?: string;
  readonly event_id?: string;
  readonly obp_id?: string;
  readonly feeder_id?: string;
  readonly counterparty_id?: string;
  readonly settlement_date?: string;
  readonly settlement_period?: number;
  readonly intervention_class?: 'INCENTIVE' | 'EMERGENCY';
  readonly rule_id?: string;
  readonly rule_version?: string;
  readonly rule_inputs?: Readonly<Record<string, string | number | boolean | null>>;
  readonly data_sources?: readonly AuditDataSource[];
  readonly forecast_id?: string;
  /** What was decided and why, in words. */
  readonly decision?: string;
  readonly code?: string;
  readonly der_id?: string;
  readonly command_id?: string;
  readonly der_response?: string;
  readonly requested_kw?: number;
  readonly committed_kw?: number;
  readonly delivered_kw?: number;
  readonly latency_ms?: number;
  readonly payload_sha256?: string;
  readonly signature?: { readonly key_id: string; readonly alg: 'ed25519'; readonly value: string };
}

export interface AuditDataSource {
  readonly id: string;
  readonly url_or_fixture: string;
  readonly retrieved_at: string;
  readonly observed_at: string;
  readonly sha256: string;
  readonly live: boolean;
}

/** An entry with its place in the chain: `hash` = SHA-256 over the canonical JSON (RFC 8785) of all but `hash`. */
export interface AuditRecord extends AuditEntry {
  readonly seq: number;
  readonly prev_hash: string;
  readonly hash: string;
}
