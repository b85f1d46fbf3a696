// The way in: by name and password, or by the link of the first start.
import { useState } from "preact/hooks";
import { Refused, type Session, ask } from "./api";
import { type Language, useWords } from "./words";

interface Props {
  setUp: string | null;
  isNew: boolean;
  onSession: (session: Session) => void;
  onLanguage: (language: Language) => void;
}

export function SignIn({ setUp, isNew, onSession, onLanguage }: Props) {
  const say = useWords();
  const [problem, setProblem] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [needsCode, setNeedsCode] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const [name, password] = [String(form.get("name")), String(form.get("password"))];
    setIsBusy(true);
    setProblem("");
    try {
      const code = form.get("code");
      const body = setUp ? { token: setUp, name, password } : { name, password, ...(code && { code: String(code) }) };
      onSession(await ask<Session>("POST", setUp ? "/setup" : "/session", body));
    } catch (error) {
      const asksForCode = error instanceof Refused && error.needsCode;
      // To be asked for the code is no failure; a wrong one is.
      if (!asksForCode || needsCode) setProblem(say.why(error));
      if (asksForCode) setNeedsCode(true);
    }
    setIsBusy(false);
  };
  return (
    <main class="gate">
      <form onSubmit={submit}>
        <img src="/assets/icon.svg" alt="" width="44" height="44" />
        <h1>{setUp ? say("welcome") : "Forewarn"}</h1>
        {setUp && <p class="muted">{say("welcomeHint")}</p>}
        {!setUp && isNew && <p class="notice">{say("needLink")}</p>}
        <label>
          {say("name")}
          <input name="name" autocomplete="username" autocapitalize="none" spellcheck={false} required autofocus />
        </label>
        <label>
          {say("password")}
          <input
            name="password"
            type="password"
            autocomplete={setUp ? "new-password" : "current-password"}
            minLength={setUp ? 12 : 1}
            required
            aria-describedby={setUp ? "hint" : undefined}
          />
        </label>
        {setUp && (
          <small id="hint" class="muted">
            {say("passwordHint")}
          </small>
        )}
        {needsCode && (
          <label>
            {say("code")}
            <input name="code" inputMode="numeric" autocomplete="one-time-code" pattern="[0-9 ]{6,7}" required autofocus />
            <small class="muted">{say("codeHint")}</small>
          </label>
        )}
        {problem && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button class="primary" disabled={isBusy}>
          {say(setUp ? "createAccount" : "signIn")}
        </button>
        <p class="languages">
          <button type="button" lang="en" onClick={() => onLanguage("en")} aria-pressed={say.language === "en"}>
            English
          </button>
          <button type="button" lang="zh-CN" onClick={() => onLanguage("zh")} aria-pressed={say.language === "zh"}>
            中文
          </button>
        </p>
      </form>
    </main>
  );
}
