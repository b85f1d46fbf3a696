// The page as a whole: who is signed in, which view is shown, what was told last.
import { useCallback, useEffect, useState } from "preact/hooks";
import { type Session, Refused, ask, get, remember, whenSignedOut } from "./api";
import * as live from "./live";
import { Empty, Icon, type IconName } from "./parts";
import { Cameras } from "./cameras";
import { HealthView } from "./health";
import { Incidents } from "./incidents";
import { Numbers } from "./numbers";
import { Settings } from "./settings";
import { SignIn } from "./signin";
import { type Language, type Word, Words, sayIn, useWords, useZone } from "./words";
import { Toasts, ToastBox } from "./toasts";

interface View {
  path: string;
  word: Word;
  icon: IconName;
  /** So many parts its paths have at most: of a camera, its name and what is done with it. */
  parts: number;
}

const views: View[] = [
  { path: "/incidents", word: "incidents", icon: "incidents", parts: 2 },
  { path: "/cameras", word: "cameras", icon: "cameras", parts: 3 },
  { path: "/numbers", word: "numbers", icon: "numbers", parts: 1 },
  { path: "/health", word: "health", icon: "health", parts: 1 },
  { path: "/settings", word: "settings", icon: "settings", parts: 1 },
];

/** The view that a path leads to; none where there is no such page. */
function viewOf(path: string): View | undefined {
  const parts = path.split("/").filter(Boolean);
  return parts.length ? views.find((view) => view.path === `/${parts[0]}` && parts.length <= view.parts) : views[0];
}

/** What a path names behind its view. */
export function namedBy(path: string): string {
  const part = path.split("/")[2] ?? "";
  try {
    return decodeURIComponent(part);
  } catch {
    // Nobody's name is written so; it is looked for as it stands, and not found.
    return part;
  }
}

/** A token behind the #, which is taken out of the address at once. */
function takeToken(kind: string): string | null {
  const found = new RegExp(`^#${kind}=([0-9a-f]{64})$`).exec(location.hash);
  if (found) history.replaceState(null, "", location.pathname);
  return found?.[1] ?? null;
}

/** The incident that a link names behind the #, as `#incident=ID`; the address becomes that of its card. */
function followLink() {
  const id = /^#incident=([\w.-]+)$/.exec(location.hash)?.[1];
  if (id) go(`/incidents/${id}`, true);
}

const firstLanguage = (): Language =>
  (localStorage.getItem("language") as Language | null) ?? (navigator.language.startsWith("zh") ? "zh" : "en");

export function App() {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [language, setLanguage] = useState<Language>(firstLanguage);
  const [theme, setTheme] = useState(localStorage.getItem("theme") ?? "system");
  const [setUp] = useState(() => takeToken("setup"));
  const [isNew, setIsNew] = useState(false);
  const say = sayIn(language);

  const begin = useCallback((of: Session | null) => {
    remember(of);
    if (of) useZone(of.time_zone);
    setSession(of);
    if (of) live.open();
    else live.close();
  }, []);

  useEffect(() => {
    followLink();
    addEventListener("hashchange", followLink);
    whenSignedOut(() => begin(null));
    const guest = takeToken("guest");
    const first = guest ? ask<Session>("POST", "/session", { token: guest }) : get<Session>("/session");
    first.then(begin, async () => {
      setIsNew(await get<{ is_new: boolean }>("/setup").then((told) => told.is_new, () => false));
      begin(null);
    });
  }, []);

  useEffect(() => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    localStorage.setItem("language", language);
  }, [language]);

  useEffect(() => {
    localStorage.setItem("theme", theme);
    if (theme === "system") document.documentElement.removeAttribute("data-theme");
    else document.documentElement.dataset.theme = theme;
  }, [theme]);

  const signOut = () => void ask("DELETE", "/session").catch((error: Refused) => error).then(() => begin(null));

  return (
    <Words.Provider value={say}>
      <Toasts>
        {session === undefined ? null : session ? (
          <Frame session={session}>
            {(path) =>
              !viewOf(path) ? (
                <NoPage path={path} />
              ) : path.startsWith("/cameras") ? (
                <Cameras path={path} role={session.role} />
              ) : path.startsWith("/numbers") ? (
                <Numbers />
              ) : path.startsWith("/health") ? (
                <HealthView />
              ) : path.startsWith("/settings") ? (
                <Settings
                  session={session}
                  theme={theme}
                  onTheme={setTheme}
                  onLanguage={setLanguage}
                  onSignOut={signOut}
                  onEnded={() => begin(null)}
                />
              ) : (
                <Incidents role={session.role} path={path} />
              )
            }
          </Frame>
        ) : (
          <SignIn setUp={setUp} isNew={isNew} onSession={begin} onLanguage={setLanguage} />
        )}
        <ToastBox />
      </Toasts>
    </Words.Provider>
  );
}

/** An address that leads nowhere, and a way back. */
function NoPage({ path }: { path: string }) {
  const say = useWords();
  return (
    <section class="view" aria-labelledby="no-page-title">
      <header>
        <h1 id="no-page-title">{say("noPage")}</h1>
      </header>
      <Empty icon="search">
        {say("noPageHere", path)}
        <button class="primary" onClick={() => go("/incidents")}>
          {say("toIncidents")}
        </button>
      </Empty>
    </section>
  );
}

/** The path of the address, and how to go to another one. */
export function go(path: string, isInPlace = false) {
  if (isInPlace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  dispatchEvent(new PopStateEvent("popstate"));
}

export function usePath(): string {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const change = () => setPath(location.pathname);
    addEventListener("popstate", change);
    return () => removeEventListener("popstate", change);
  }, []);
  return path;
}

function Frame(props: { session: Session; children: (path: string) => preact.ComponentChildren }) {
  const say = useWords();
  const path = usePath();
  const isLive = live.useIsLive();
  const shown = viewOf(path);
  useEffect(() => {
    document.title = `${say(shown?.word ?? "noPage")} · ${props.session.site} · Forewarn`;
  });
  return (
    <div class="frame">
      <a class="skip" href="#main">
        {say("skip")}
      </a>
      <header class="side">
        <div class="brand">
          <img src="/assets/icon.svg" alt="" width="28" height="28" />
          <span>
            <strong>Forewarn</strong>
            <small>{props.session.site}</small>
          </span>
        </div>
        <nav aria-label={say("menu")}>
          {views.map((view) => (
            <a
              key={view.path}
              href={view.path}
              aria-current={view === shown ? "page" : undefined}
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey) return;
                event.preventDefault();
                go(view.path);
              }}
            >
              <Icon name={view.icon} />
              <span>{say(view.word)}</span>
            </a>
          ))}
        </nav>
        <p class={`pulse ${isLive ? "on" : ""}`} role="status">
          <i />
          {say(isLive ? "live" : "reconnecting")}
        </p>
      </header>
      <main id="main" tabIndex={-1}>
        {props.children(path)}
      </main>
    </div>
  );
}
