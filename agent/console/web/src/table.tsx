// A table that stays readable on a phone: where the screen is narrow each row is a card that names its values, and where it is
// not and the columns are still too many, the table moves sideways in a box of its own.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

export interface TableRow {
  key: string | number;
  /** One for each column; the first says what the row is about. */
  cells: ComponentChildren[];
  /** What can be done with it. */
  deeds?: ComponentChildren;
}

interface Props {
  /** What it tells, for who cannot see the heading above it. */
  label: string;
  /** The word over each column; none over one that needs none. */
  columns: string[];
  rows: TableRow[];
  /** Columns of figures and times, which stand in one line. */
  figures?: number[];
  class?: string;
}

export function Table(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [isMoved, setIsMoved] = useState(false);
  useEffect(() => {
    const shown = box.current;
    if (!shown) return;
    const watch = new ResizeObserver(() => setIsMoved(shown.scrollWidth > shown.clientWidth || shown.scrollHeight > shown.clientHeight));
    watch.observe(shown);
    if (shown.firstElementChild) watch.observe(shown.firstElementChild);
    return () => watch.disconnect();
  }, []);
  const has = props.rows.some((row) => row.deeds);
  const of = (n: number) => (props.figures?.includes(n) ? "figures-of" : undefined);
  // A table whose rows are laid out as cards is none to a screen reader any more, unless it is told what each part is.
  return (
    <div ref={box} class="table" role={isMoved ? "region" : undefined} aria-label={isMoved ? props.label : undefined} tabIndex={isMoved ? 0 : undefined}>
      <table role="table" class={props.class} aria-label={props.label}>
        <thead role="rowgroup">
          <tr role="row">
            {props.columns.map((column, n) =>
              column ? (
                <th role="columnheader" scope="col" key={n}>
                  {column}
                </th>
              ) : (
                <td role="cell" key={n} />
              ),
            )}
            {has && <td role="cell" />}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {props.rows.map((row) => (
            <tr role="row" key={row.key}>
              {row.cells.map((cell, n) =>
                n === 0 ? (
                  <th role="rowheader" scope="row" key={n} class={of(n)}>
                    {cell}
                  </th>
                ) : (
                  <td role="cell" key={n} class={of(n)} data-column={props.columns[n]}>
                    <span>{cell}</span>
                  </td>
                ),
              )}
              {has && (
                <td role="cell" class="end">
                  {row.deeds}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
