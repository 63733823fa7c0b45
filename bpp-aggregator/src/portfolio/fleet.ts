import type { DerId, FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import { LIMITS } from '../limits.ts';
import { believableShedKw, type Consent, type DerRecord, type FleetDer, type PortfolioDer, UNSEEN } from './der.ts';

export interface Reading {
  readonly atMs: number;
  readonly powerKw: number;
  readonly availableDownKw: number;
}

type Own = { -readonly [Member in keyof FleetDer]: FleetDer[Member] };

/** The devices of this aggregator in memory: contracts, records and the live state. Bounded by the portfolio. */
export class Fleet {
  readonly #ders = new Map<string, Own>();
  readonly #idOfNo = new Map<number, string>();
  #byFeeder: Map<string, Own[]> | undefined;

  get size(): number {
    return this.#ders.size;
  }

  put(contract: PortfolioDer, record: DerRecord): void {
    if (this.#ders.size >= LIMITS.maxDers && !this.#ders.has(contract.derId))
      throw new RangeError(`the portfolio is full: at most ${LIMITS.maxDers} devices`);
    this.#ders.set(contract.derId, {
      ...contract,
      ...record,
      live: this.#ders.get(contract.derId)?.live ?? UNSEEN,
    });
    this.#idOfNo.set(record.derNo, contract.derId);
    this.#byFeeder = undefined;
  }

  /** What the database knows of a device by now; its contract and live state stay. */
  note(record: DerRecord): void {
    const der = this.#own(record.derNo);
    if (der) Object.assign(der, record);
  }

  subscribe(derNo: number, programmeId: string | null): void {
    const der = this.#own(derNo);
    if (der) der.programmeId = programmeId;
  }

  consent(derNo: number, consent: Consent): void {
    const der = this.#own(derNo);
    if (der) der.consent = consent;
  }

  maintenance(derNo: number, sinceMs: number | null): void {
    const der = this.#own(derNo);
    if (der) der.maintenanceSinceMs = sinceMs;
  }

  get(derId: string): FleetDer | undefined {
    return this.#ders.get(derId);
  }

  byNo(derNo: number): FleetDer | undefined {
    return this.#own(derNo);
  }

  all(): FleetDer[] {
    return [...this.#ders.values()];
  }

  serves(feederId: string): boolean {
    return this.#feeders().has(feederId);
  }

  feeders(): FeederId[] {
    return [...this.#feeders().keys()].sort() as FeederId[];
  }

  onFeeder(feederId: string): readonly FleetDer[] {
    return this.#feeders().get(feederId) ?? [];
  }

  setOnline(derId: DerId, online: boolean): void {
    const der = this.#ders.get(derId);
    if (der) der.live = { ...der.live, online };
  }

  /** A reading older than the newest one known changes nothing; returns whether it was taken. */
  read(derId: DerId, reading: Reading): boolean {
    const der = this.#ders.get(derId);
    if (!der || (der.live.readAtMs !== null && reading.atMs <= der.live.readAtMs)) return false;
    const before = der.live.recent;
    const since = reading.atMs - LIMITS.baselineMs;
    let from = Math.max(0, before.length + 1 - LIMITS.maxSamplesPerDer);
    while (from < before.length && before[from]!.atMs <= since) from++;
    const recent = before.slice(from);
    recent.push({ atMs: reading.atMs, powerKw: reading.powerKw });
    der.live = {
      online: der.live.online,
      readAtMs: reading.atMs,
      powerKw: reading.powerKw,
      shedKw: believableShedKw(der, reading.powerKw, reading.availableDownKw),
      recent,
    };
    return true;
  }

  countAnswers(derNo: number, asked: number, accepted: number): void {
    const der = this.#own(derNo);
    if (!der) return;
    der.asked += asked;
    der.accepted += accepted;
  }

  optOut(derNo: number, untilMs: number): void {
    const der = this.#own(derNo);
    if (der) der.optedOutUntilMs = Math.max(der.optedOutUntilMs, untilMs);
  }

  #own(derNo: number): Own | undefined {
    return this.#ders.get(this.#idOfNo.get(derNo) ?? '');
  }

  #feeders(): Map<string, Own[]> {
    if (!this.#byFeeder) {
      this.#byFeeder = new Map();
      for (const der of this.#ders.values()) {
        const ders = this.#byFeeder.get(der.feederId);
        if (ders) ders.push(der);
        else this.#byFeeder.set(der.feederId, [der]);
      }
    }
    return this.#byFeeder;
  }
}
