import type { Socket } from 'node:net';

/**
 * Follows the frames of an MQTT stream (MQTT 3.1.1 §2.2: one byte of type, one to four of remaining length) and
 * says false when one is announced that is longer than `limitBytes`, before anything is gathered for it.
 */
export function frameGuard(limitBytes: number): (chunk: Uint8Array) => boolean {
  let skip = 0;
  let inLength = false;
  let length = 0;
  let shift = 0;
  return (chunk) => {
    let offset = 0;
    while (offset < chunk.length) {
      if (skip > 0) {
        const taken = Math.min(skip, chunk.length - offset);
        skip -= taken;
        offset += taken;
      } else if (!inLength) {
        offset++;
        [inLength, length, shift] = [true, 0, 0];
      } else {
        const byte = chunk[offset++] as number;
        length += (byte & 127) * 2 ** shift;
        shift += 7;
        if (length > limitBytes || shift > 28) return false;
        if (byte < 128) [inLength, skip] = [false, length];
      }
    }
    return true;
  };
}

/** Destroys `socket` when its peer announces a frame longer than `limitBytes`; the broker reads through it. */
export function guardFrames(socket: Socket, limitBytes: number): void {
  const accepts = frameGuard(limitBytes);
  const read = socket.read.bind(socket);
  socket.read = (size?: number) => {
    const chunk = read(size);
    if (chunk === null || accepts(chunk)) return chunk;
    socket.destroy(new Error(`an MQTT packet of more than ${limitBytes} bytes was announced`));
    return null;
  };
}
