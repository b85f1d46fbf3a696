// Short words about what was just done.
import { type ComponentChildren, createContext } from "preact";
import { useContext, useMemo, useState } from "preact/hooks";

interface Toast {
  n: number;
  text: string;
  isBad: boolean;
}

/** Two, so that whoever only tells is not drawn anew with every word that comes or goes. */
const Told = createContext<Toast[]>([]);
const Tell = createContext<(text: string, isBad?: boolean) => void>(() => {});
let count = 0;

export function Toasts({ children }: { children: ComponentChildren }) {
  const [list, setList] = useState<Toast[]>([]);
  const show = useMemo(
    () =>
      (text: string, isBad = false) => {
        const n = ++count;
        setList((before) => [...before.slice(-2), { n, text, isBad }]);
        setTimeout(() => setList((before) => before.filter((one) => one.n !== n)), isBad ? 8000 : 3000);
      },
    [],
  );
  return (
    <Tell.Provider value={show}>
      <Told.Provider value={list}>{children}</Told.Provider>
    </Tell.Provider>
  );
}

export const useToast = () => useContext(Tell);

export const ToastBox = () => (
  <div class="toasts" role="status" aria-live="polite">
    {useContext(Told).map((one) => (
      <p key={one.n} class={one.isBad ? "bad" : ""}>
        {one.text}
      </p>
    ))}
  </div>
);
