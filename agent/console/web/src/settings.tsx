// Language and appearance, one's own password, and for an administrator who else may sign in and who did what.
import { useEffect, useState } from "preact/hooks";
import { type Account, type Session, ask, get, roles } from "./api";
import { AppCodes } from "./app_codes";
import { CameraLimit, limitOf, useReach } from "./limits";
import { Asking, Choice, Register } from "./parts";
import { Push } from "./push";
import { Table } from "./table";
import { Tokens } from "./tokens";
import { useToast } from "./toasts";
import { type Language, clock, useWords } from "./words";

interface Props {
  session: Session;
  theme: string;
  onTheme: (theme: string) => void;
  onLanguage: (language: Language) => void;
  onSignOut: () => void;
  onEnded: () => void;
}

export function Settings(props: Props) {
  const say = useWords();
  const toast = useToast();
  const { session } = props;
  const [isChanging, setIsChanging] = useState(false);
  return (
    <section class="view" aria-labelledby="settings-title">
      <header>
        <h1 id="settings-title">{say("settings")}</h1>
      </header>
      <div class="panel">
        <label>
          {say("language")}
          <select value={say.language} onChange={(event) => props.onLanguage(event.currentTarget.value as Language)}>
            <option value="en">English</option>
            <option value="zh">中文</option>
          </select>
        </label>
        <label>
          {say("theme")}
          <select value={props.theme} onChange={(event) => props.onTheme(event.currentTarget.value)}>
            <option value="system">{say("system")}</option>
            <option value="light">{say("light")}</option>
            <option value="dark">{say("dark")}</option>
          </select>
        </label>
      </div>
      <div class="panel">
        <p>
          <strong>{session.name}</strong> <span class="muted">{say(session.role)}</span>
        </p>
        <p class="buttons start">
          <button onClick={() => setIsChanging(true)}>{say("changePassword")}</button>
          <AppCodes has={session.has_totp} />
          <button onClick={props.onSignOut}>{say("signOut")}</button>
        </p>
      </div>
      {session.role !== "viewer" && <Push session={session} />}
      {session.role === "admin" && <Accounts own={session.name} />}
      {session.role === "admin" && <Tokens />}
      {session.role === "admin" && <Audit />}
      <p class="muted">
        Forewarn {session.version} · {say("siteTime", session.time_zone)}
      </p>
      {isChanging && (
        <Asking
          title={say("changePassword")}
          word={say("save")}
          onClose={() => setIsChanging(false)}
          onSay={(form) =>
            void ask("PUT", `/accounts/${encodeURIComponent(session.name)}/password`, Object.fromEntries(form)).then(
              () => {
                toast(say("passwordChanged"));
                props.onEnded();
              },
              (error: unknown) => toast(say("failed", say.why(error)), true),
            )
          }
        >
          <label>
            {say("formerPassword")}
            <input name="former" type="password" autocomplete="current-password" required autofocus />
          </label>
          <label>
            {say("newPassword")}
            <input name="password" type="password" autocomplete="new-password" minLength={12} required />
          </label>
          <small class="muted">{say("passwordHint")}</small>
        </Asking>
      )}
    </section>
  );
}

function Accounts({ own }: { own: string }) {
  const say = useWords();
  const toast = useToast();
  const [accounts, setAccounts] = useState<Account[]>([]);
  const [isAdding, setIsAdding] = useState(false);
  const [limited, setLimited] = useState<Account | null>(null);
  const reach = useReach();
  const read = () => void get<{ accounts: Account[] }>("/accounts").then((told) => setAccounts(told.accounts), () => {});
  useEffect(read, []);
  const done = (deed: Promise<unknown>) =>
    void deed.then(
      () => {
        setIsAdding(false);
        setLimited(null);
        toast(say("saved"));
        read();
      },
      (error: unknown) => toast(say("failed", say.why(error)), true),
    );
  return (
    <>
      <Register
        title={say("accounts")}
        columns={[say("role"), say("cameras"), say("codes")]}
        rows={accounts.map((account) => ({
          name: account.name,
          cells: [say(account.role), reach(account.cameras), account.has_totp ? say("codesAsked") : "–"],
          sure: account.name === own ? null : say("removeSure", account.name),
          more: [
            ...(account.role === "admin" ? [] : [{ word: say("chooseCameras"), onDo: () => setLimited(account) }]),
            ...(account.has_totp && account.name !== own
              ? [{ word: say("codesTurnOff"), onDo: () => confirm(say("codesOffSureFor", account.name)) && done(ask("DELETE", `/accounts/${encodeURIComponent(account.name)}/totp`)) }]
              : []),
          ],
        }))}
        onDelete={(name) => done(ask("DELETE", `/accounts/${encodeURIComponent(name)}`))}
        addWord={say("add")}
        onAdd={() => setIsAdding(true)}
      />
      {isAdding && (
        <Asking title={say("add")} onClose={() => setIsAdding(false)} onSay={(form) => done(ask("POST", "/accounts", { name: form.get("name"), role: form.get("role"), password: form.get("password"), cameras: limitOf(form) }))}>
          <label>
            {say("name")}
            <input name="name" autocomplete="off" required autofocus />
          </label>
          <Choice name="role" label={say("role")} of={roles.map((role) => [role, say(role)])} />
          <label>
            {say("password")}
            <input name="password" type="password" autocomplete="new-password" minLength={12} required />
          </label>
          <small class="muted">{say("passwordHint")}</small>
          <CameraLimit />
        </Asking>
      )}
      {limited && (
        <Asking
          title={say("camerasOf", limited.name)}
          word={say("save")}
          onClose={() => setLimited(null)}
          onSay={(form) => done(ask("PUT", `/accounts/${encodeURIComponent(limited.name)}/cameras`, { cameras: limitOf(form) }))}
        >
          <CameraLimit chosen={limited.cameras} />
          <small class="muted">{say("limitEnds")}</small>
        </Asking>
      )}
    </>
  );
}

interface Line {
  at: string;
  who: string | null;
  deed: string;
  deed_zh: string;
  about?: string;
  detail?: string;
}

function Audit() {
  const say = useWords();
  const [lines, setLines] = useState<Line[]>([]);
  useEffect(() => void get<{ lines: Line[] }>("/audit").then((told) => setLines(told.lines), () => {}), []);
  return (
    <details class="audit">
      <summary>{say("audit")}</summary>
      <Table
        label={say("audit")}
        columns={[say("when"), say("who"), say("deed"), say("about")]}
        figures={[0]}
        rows={lines.map((line, n) => ({
          key: n,
          cells: [
            clock(new Date(line.at).getTime() * 1000, say.language),
            line.who ?? "–",
            <>
              {say.of({ en: line.deed, zh: line.deed_zh })} {line.detail && <small class="muted">{say.detail(line.detail)}</small>}
            </>,
            <span class="id">{line.about}</span>,
          ],
        }))}
      />
    </details>
  );
}
