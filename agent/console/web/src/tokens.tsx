// Tokens for programs: made, shown once, deleted.
import { useEffect, useState } from "preact/hooks";
import { type Role, ask, get, post } from "./api";
import { Buttons } from "./card";
import { Dialog } from "./parts";
import { useToast } from "./toasts";
import { useWords } from "./words";

interface Token {
  name: string;
  role: Role;
  scopes: string[];
  made_by: string;
  left_days: number;
  has_ended: boolean;
}

const subjects = ["incidents", "suppressions", "cameras", "live", "health", "events", "site"];
const roles: Role[] = ["viewer", "operator", "admin"];

export function Tokens() {
  const say = useWords();
  const toast = useToast();
  const [tokens, setTokens] = useState<Token[]>([]);
  const [isAdding, setIsAdding] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const read = () => void get<{ tokens: Token[] }>("/tokens").then((told) => setTokens(told.tokens), () => {});
  useEffect(read, []);
  const fail = (error: Error) => toast(say("failed", error.message), true);
  const add = (form: FormData) => {
    const scopes = subjects.flatMap((subject) => (form.get(subject) ? [`${subject}:${form.get(subject)}`] : []));
    const wanted = { name: form.get("name"), role: form.get("role"), days: Number(form.get("days")), scopes };
    void post<{ token: string }>("/tokens", wanted).then((told) => {
      setIsAdding(false);
      setMade(told.token);
      read();
    }, fail);
  };
  return (
    <>
      <h2>{say("tokens")}</h2>
      <p class="muted">{say("tokensHint")}</p>
      {tokens.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{say("name")}</th>
              <th scope="col">{say("scopes")}</th>
              <th scope="col">{say("lasts")}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {tokens.map((token) => (
              <tr key={token.name}>
                <th scope="row">{token.name}</th>
                <td>{token.scopes.join(" ")}</td>
                <td>{token.has_ended ? say("hasEnded") : say("daysLeft", token.left_days)}</td>
                <td class="end">
                  <button
                    onClick={() => {
                      if (confirm(say("removeTokenSure", token.name)))
                        void ask("DELETE", `/tokens/${encodeURIComponent(token.name)}`).then(read, fail);
                    }}
                  >
                    {say("remove")}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p>
        <button onClick={() => setIsAdding(true)}>{say("addToken")}</button>
      </p>
      {isAdding && (
        <Dialog title={say("addToken")} onClose={() => setIsAdding(false)}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              add(new FormData(event.currentTarget));
            }}
          >
            <label>
              {say("name")}
              <input name="name" required maxLength={64} autofocus />
            </label>
            <label>
              {say("role")}
              <select name="role">
                {roles.map((role) => (
                  <option key={role} value={role}>
                    {say(role)}
                  </option>
                ))}
              </select>
            </label>
            <label>
              {say("lastsDays")}
              <input name="days" type="number" min={1} max={3650} value={90} required />
            </label>
            <fieldset class="scopes">
              <legend>{say("scopes")}</legend>
              {subjects.map((subject) => (
                <label key={subject}>
                  <code>{subject}</code>
                  <select name={subject}>
                    <option value="">{say("scopeNone")}</option>
                    <option value="read">{say("scopeRead")}</option>
                    <option value="write">{say("scopeWrite")}</option>
                  </select>
                </label>
              ))}
            </fieldset>
            <Buttons onClose={() => setIsAdding(false)} word={say("addToken")} />
          </form>
        </Dialog>
      )}
      {made && (
        <Dialog title={say("tokenMade")} onClose={() => setMade(null)}>
          <p>{say("tokenOnce")}</p>
          <pre class="token">{made}</pre>
          <div class="buttons">
            <button onClick={() => void navigator.clipboard?.writeText(made).then(() => toast(say("copied")))}>{say("copy")}</button>
            <button class="primary" onClick={() => setMade(null)}>
              {say("close")}
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
