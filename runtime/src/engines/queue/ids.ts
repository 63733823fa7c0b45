/**
 * Job ids as BullMQ takes them: it refuses colons and whole numbers. Reversible, and bounded because a key is an
 * index entry.
 */
const LONGEST = 512;

export function toQueueId(id: string): string {
  if (id === '' || id.length > LONGEST) throw new Error(`a job id has 1 to ${LONGEST} characters, not ${id.length}`);
  return `j-${encodeURIComponent(id)}`;
}

export function fromQueueId(id: string): string {
  return decodeURIComponent(id.replace(/^j-/, ''));
}
