// Short words about what was just done.
import { type ComponentChildren, createContext } from "preact";
import { useContext, useMemo, useState } from "preact/hooks";

interface Toast {
  n: number;
  text: string;
  isBad: boolean;
}

interface Shown {
  list: Toast[];
  show: (text: string, isBad?: boolean) => void;
}

const Context = createContext<Shown>({ list: [], show: () => {} });
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
  return <Context.Provider value={{ list, show }}>{children}</Context.Provider>;
}

export const useToast = () => useContext(Context).show;

export const ToastBox = () => (
  <div class="toasts" role="status" aria-live="polite">
    {useContext(Context).list.map((one) => (
      <p key={one.n} class={one.isBad ? "bad" : ""}>
        {one.text}
      </p>
    ))}
  </div>
);
