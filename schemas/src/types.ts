/** Types of all messages and records, generated from the schemas. */
export type * from './generated/types.ts';
