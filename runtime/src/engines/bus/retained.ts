import { Readable } from 'node:stream';
import type { Aedes, AedesPublishPacket } from 'aedes';
import { matches } from './filters.ts';

interface RetainedPart {
  storeRetained(packet: AedesPublishPacket): Promise<void>;
  createRetainedStream(filter: string): Readable;
  createRetainedStreamCombi(filters: readonly string[]): Readable;
}

/**
 * Finds retained messages by their topic where the filter names one. The broker's own store looks at every retained
 * message for every filter of every subscriber: ten thousand devices that come up and subscribe to their commands make
 * it look a hundred million times.
 */
export function indexRetained(broker: Aedes): void {
  const retained = new Map<string, AedesPublishPacket>();
  const found = (filter: string): AedesPublishPacket[] => {
    const exact = retained.get(filter);
    if (exact) return [exact];
    return /[+#]/.test(filter) ? [...retained.values()].filter(({ topic }) => matches(filter, topic)) : [];
  };
  const part = (broker as unknown as { persistence: RetainedPart }).persistence;
  part.storeRetained = async (packet) => {
    if (packet.payload.length === 0) retained.delete(packet.topic);
    else retained.set(packet.topic, { ...packet });
  };
  part.createRetainedStream = (filter) => Readable.from(found(filter));
  part.createRetainedStreamCombi = (filters) => Readable.from(filters.flatMap(found));
}
