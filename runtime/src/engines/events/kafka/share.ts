/** Which keys of a topic come to a member of a consumer group. */
import kafkajs from 'kafkajs';
import type { Share } from '../port.ts';

/** By the partitioner of our producer, which is the Java client's. `partitions` is the number of all of the topic. */
export function shareOf(topic: string, assigned: readonly number[], partitions: number): Share {
  const place = kafkajs.Partitioners.DefaultPartitioner();
  const own = new Set(assigned);
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    ...{ partitionId, leader: 0, isr: [], replicas: [], partitionErrorCode: 0 },
  }));
  return (key) => own.has(place({ topic, partitionMetadata, message: { key, value: null } }));
}
