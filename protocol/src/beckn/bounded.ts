/** A map with a fixed number of places: the entry unused for longest makes room. */
export interface Bounded<Value> {
  get(key: string, make: () => Value): Value;
  readonly size: number;
}

export function bounded<Value extends string | object>(places: number): Bounded<Value> {
  // A Map iterates in order of insertion, so taking an entry out and putting it back makes it the youngest.
  const entries = new Map<string, Value>();
  return {
    get: (key, make) => {
      const known = entries.get(key);
      const value = known ?? make();
      if (known !== undefined) entries.delete(key);
      else if (entries.size >= places) entries.delete(entries.keys().next().value ?? key);
      entries.set(key, value);
      return value;
    },
    get size() {
      return entries.size;
    },
  };
}
