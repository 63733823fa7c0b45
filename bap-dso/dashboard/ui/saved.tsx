/** The searches of one screen that were saved under a name, and saving the present one. */
import { hash } from '@flexder/runtime/page/browser.ts';
import { useState } from 'preact/hooks';
import { forget, NAME_LENGTH, save, saved } from '../state/saved.ts';

/** `present`: what is searched for now may be saved. */
export function SavedSearches({ screen, present }: { readonly screen: string; readonly present: boolean }) {
  const [name, setName] = useState('');
  const own = saved.value.filter(({ place }) => place.startsWith(`${screen}?`));
  if (own.length === 0 && !present) return null;
  return (
    <form
      class="search saved"
      aria-label="Saved searches"
      onSubmit={(event) => {
        event.preventDefault();
        save({ name: name.trim(), place: hash().replace('#/', '') });
        setName('');
      }}
    >
      {own.length > 0 && <span class="note">Saved on this browser:</span>}
      {own.map((one) => (
        <span key={one.name}>
          <a href={`#/${one.place}`}>{one.name}</a>{' '}
          <button type="button" aria-label={`Forget ${one.name}`} onClick={() => forget(one.name)}>
            ×
          </button>
        </span>
      ))}
      {present && (
        <>
          <label>
            Save this search as
            <input maxLength={NAME_LENGTH} value={name} onInput={(event) => setName(event.currentTarget.value)} />
          </label>
          <button type="submit" disabled={name.trim() === ''}>
            Save
          </button>
        </>
      )}
    </form>
  );
}
