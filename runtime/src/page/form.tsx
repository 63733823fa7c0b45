/** What the forms of both pages have in common. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Field {
  readonly value: string;
  readonly change: (value: string) => void;
}

/** Every action by hand asks for it. */
export function ReasonField({ value, change }: Field) {
  return (
    <label>
      Reason, for the record
      <textarea
        required
        maxLength={500}
        rows={2}
        value={value}
        onInput={(event) => change(event.currentTarget.value)}
      />
    </label>
  );
}

export function TokenField({ value, change }: Field) {
  return (
    <label>
      Token
      <input
        type="password"
        autoComplete="current-password"
        required
        maxLength={256}
        value={value}
        onInput={(event) => change(event.currentTarget.value)}
      />
    </label>
  );
}

/** A form that is sent by the page itself: its button says `act`, and beside it one may leave it where `leave` is given. */
export function Form(props: {
  readonly act: string;
  readonly disabled: boolean;
  readonly submit: () => Promise<unknown>;
  readonly leave?: () => void;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly after?: ComponentChildren;
}) {
  const { act, disabled, submit, leave, children } = props;
  return (
    <form
      class={props.class}
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {children}
      <div class="buttons">
        <button type="submit" class="act" disabled={disabled}>
          {act}
        </button>
        {leave && (
          <button type="button" onClick={leave}>
            Leave it
          </button>
        )}
      </div>
      {props.after}
    </form>
  );
}

/** Above the screen until it is left; Escape leaves it, and the focus is where it was. One at a time. */
export function Dialog(props: {
  readonly heading: ComponentChildren;
  readonly close: () => void;
  readonly children: ComponentChildren;
  /** For what is read rather than filled in. */
  readonly wide?: boolean;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={props.wide ? 'confirm wide' : 'confirm'}
      aria-labelledby="dialog-heading"
      onClose={props.close}
    >
      <h2 id="dialog-heading">{props.heading}</h2>
      {props.children}
    </dialog>
  );
}
