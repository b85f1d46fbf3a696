// Small parts that all views share.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Table } from "./table";
import { useWords } from "./words";

const paths = {
  incidents: "M4 6h16M4 12h16M4 18h10",
  cameras: "M3 7h12v10H3zM15 11l6-3v8l-6-3",
  numbers: "M5 20v-8M12 20V4M19 20v-12",
  health: "M3 12h4l3-7 4 14 3-7h4",
  settings: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.2 2.2M16.2 16.2l2.2 2.2M18.4 5.6l-2.2 2.2M7.8 16.2l-2.2 2.2",
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  veil: "M4 12a8 8 0 0 1 16 0v8H4zM4 12h16M9 16h6",
  again: "M5 12a7 7 0 1 1 2 5M5 12v-5M5 12h5",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
  page: "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
  eyeOff: "M4 4l16 16M9.5 5.5A10 10 0 0 1 21 12a13 13 0 0 1-2.4 3.2M6.4 7.3A13 13 0 0 0 3 12c2 4 5.500 6.500 9 6.500a9 9 0 0 0 3.600-.8",
  draw: "M4 20l1-5L16 4l4 4L9 19zM14 6l4 4",
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.500 4.500",
  filter: "M4 6h16M7 12h10M10 18h4",
  shield: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z",
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM6 11a6 6 0 0 0 12 0M12 17v4",
  alert: "M12 4l9 16H3zM12 10v4M12 17v.5",
} as const;

export type IconName = keyof typeof paths;

export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    <path d={paths[name]} />
  </svg>
);

/** What became of an incident, in a word and a colour. */
export function Outcome({ outcome }: { outcome: string }) {
  const say = useWords();
  return <span class={`badge is-${outcome}`}>{say.outcome(outcome)}</span>;
}

export function Judgement({ opinion }: { opinion: string | null }) {
  const say = useWords();
  if (!opinion) return null;
  const isTrue = opinion === "true";
  return (
    <span class={`judged ${isTrue ? "yes" : "no"}`}>
      <Icon name={isTrue ? "check" : "cross"} />
      {say(isTrue ? "judgedTrue" : "judgedFalse")}
    </span>
  );
}

/** The buttons at the end of a form in a dialog. */
export function Buttons({ onClose, word }: { onClose: () => void; word: string }) {
  const say = useWords();
  return (
    <p class="buttons">
      <button type="button" onClick={onClose}>
        {say("cancel")}
      </button>
      <button class="primary">{word}</button>
    </p>
  );
}

/** A dialog that asks for something and takes it as a form. */
export function Asking(props: { title: string; word?: string; onClose: () => void; onSay: (form: FormData) => void; children: ComponentChildren }) {
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          props.onSay(new FormData(event.currentTarget));
        }}
      >
        {props.children}
        <Buttons onClose={props.onClose} word={props.word ?? props.title} />
      </form>
    </Dialog>
  );
}

/** A field that says beside itself what is meant, or what is wrong with what stands there and what would do. */
export function Field({ label, hint, wrong, ...input }: { label: string; hint?: string; wrong?: string | false } & JSX.InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div class="field">
      <label>
        {label}
        <input {...input} aria-invalid={Boolean(wrong)} aria-describedby={id} />
      </label>
      <small id={id} class={wrong ? "wrong" : "muted"} aria-live="polite">
        {wrong || hint}
      </small>
    </div>
  );
}

/** One of several values, each with its word. */
export const Choice = (props: { name: string; label: string; of: readonly (readonly [string, string])[]; value?: string; onPick?: (value: string) => void }) => (
  <label>
    {props.label}
    <select name={props.name} value={props.value} onChange={(event) => props.onPick?.(event.currentTarget.value)}>
      {props.of.map(([value, word]) => (
        <option key={value} value={value}>
          {word}
        </option>
      ))}
    </select>
  </label>
);

interface Row {
  name: string;
  cells: string[];
  /** What is asked before it is deleted; none for what cannot be. */
  sure: string | null;
  /** What else can be done with it. */
  more?: { word: string; onDo: () => void }[];
}

/** Things that are listed by name, deleted one by one, and made by a form: accounts, tokens. */
export function Register(props: {
  title: string;
  hint?: string;
  columns: string[];
  rows: Row[];
  onDelete: (name: string) => void;
  addWord: string;
  onAdd: () => void;
}) {
  const say = useWords();
  return (
    <>
      <h2>{props.title}</h2>
      {props.hint && <p class="muted">{props.hint}</p>}
      {props.rows.length > 0 && (
        <Table
          label={props.title}
          columns={[say("name"), ...props.columns]}
          rows={props.rows.map(({ name, cells, sure, more }) => ({
            key: name,
            cells: [name, ...cells],
            deeds: (sure !== null || (more ?? []).length > 0) && (
              <>
                {more?.map(({ word, onDo }) => (
                  <button key={word} onClick={onDo}>
                    {word}
                  </button>
                ))}
                {sure !== null && <button onClick={() => confirm(sure) && props.onDelete(name)}>{say("remove")}</button>}
              </>
            ),
          }))}
        />
      )}
      <p>
        <button onClick={props.onAdd}>{props.addWord}</button>
      </p>
    </>
  );
}

/** A dialog of the browser's own, which keeps the keyboard inside and ends by Escape. */
export function Dialog(props: { title: string; onClose: () => void; isWide?: boolean; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} class={props.isWide ? "is-wide" : undefined} aria-label={props.title} onCancel={props.onClose}>
      <h2>{props.title}</h2>
      {props.children}
    </dialog>
  );
}

export const Empty = ({ icon, children }: { icon: IconName; children: ComponentChildren }) => (
  <div class="empty">
    <Icon name={icon} />
    <p>{children}</p>
  </div>
);
