// Tokens for programs: made, shown once, deleted.
import { useEffect, useState } from "preact/hooks";
import { type Role, ask, get, post, roles } from "./api";
import { CameraLimit, limitOf, useReach } from "./limits";
import { Asking, Choice, Dialog, Register } from "./parts";
import { useToast } from "./toasts";
import { useWords } from "./words";

interface Token {
  name: string;
  role: Role;
  scopes: string[];
  made_by: string;
  left_days: number;
  has_ended: boolean;
  cameras: string[] | null;
}

const subjects = ["incidents", "suppressions", "cameras", "live", "health", "events", "site", "speakers", "commands", "stats"];

export function Tokens() {
  const say = useWords();
  const toast = useToast();
  const [tokens, setTokens] = useState<Token[]>([]);
  const [isAdding, setIsAdding] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const reach = useReach();
  const read = () => void get<{ tokens: Token[] }>("/tokens").then((told) => setTokens(told.tokens), () => {});
  useEffect(read, []);
  const fail = (error: unknown) => toast(say("failed", say.why(error)), true);
  const add = (form: FormData) => {
    const scopes = subjects.flatMap((subject) => (form.get(subject) ? [`${subject}:${form.get(subject)}`] : []));
    const wanted = { name: form.get("name"), role: form.get("role"), days: Number(form.get("days")), scopes, cameras: limitOf(form) };
    void post<{ token: string }>("/tokens", wanted).then((told) => {
      setIsAdding(false);
      setMade(told.token);
      read();
    }, fail);
  };
  return (
    <>
      <Register
        title={say("tokens")}
        hint={say("tokensHint")}
        columns={[say("scopes"), say("cameras"), say("lasts")]}
        rows={tokens.map((token) => ({
          name: token.name,
          cells: [token.scopes.join(" "), reach(token.cameras), token.has_ended ? say("hasEnded") : say("daysLeft", token.left_days)],
          sure: say("removeTokenSure", token.name),
        }))}
        onDelete={(name) => void ask("DELETE", `/tokens/${encodeURIComponent(name)}`).then(read, fail)}
        addWord={say("addToken")}
        onAdd={() => setIsAdding(true)}
      />
      {isAdding && (
        <Asking title={say("addToken")} onClose={() => setIsAdding(false)} onSay={add}>
          <label>
            {say("name")}
            <input name="name" required maxLength={64} autofocus />
          </label>
          <Choice name="role" label={say("role")} of={roles.map((role) => [role, say(role)])} />
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
          <CameraLimit />
        </Asking>
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
