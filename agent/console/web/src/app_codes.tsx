// The codes of an authenticator app, which an account may ask for beside its password.
import { useState } from "preact/hooks";
import { ask, post } from "./api";
import { Asking } from "./parts";
import { useToast } from "./toasts";
import { useWords } from "./words";

export function AppCodes({ has }: { has: boolean }) {
  const say = useWords();
  const toast = useToast();
  const [isOn, setIsOn] = useState(has);
  const [begun, setBegun] = useState<{ secret: string; uri: string } | null>(null);
  const fail = (error: unknown) => toast(say("failed", say.why(error)), true);
  const change = (deed: Promise<unknown>, on: boolean) =>
    void deed.then(() => {
      setIsOn(on);
      setBegun(null);
      toast(say(on ? "codesOn" : "codesOff"));
    }, fail);
  return (
    <>
      {isOn ? (
        <button onClick={() => confirm(say("codesOffSure")) && change(ask("DELETE", "/session/totp"), false)}>{say("codesTurnOff")}</button>
      ) : (
        <button onClick={() => void post<{ secret: string; uri: string }>("/session/totp", {}).then(setBegun, fail)}>{say("codesTurnOn")}</button>
      )}
      {begun && (
        <Asking title={say("codes")} word={say("codesTurnOn")} onClose={() => setBegun(null)} onSay={(form) => change(ask("PUT", "/session/totp", { secret: begun.secret, ...Object.fromEntries(form) }), true)}>
          <p>{say("codesHint")}</p>
          <p class="secret">
            <code>{begun.secret.replaceAll(/(.{4})(?=.)/g, "$1 ")}</code>
          </p>
          <p>
            <a href={begun.uri}>{say("codesOpen")}</a>
          </p>
          <label>
            {say("code")}
            <input name="code" inputMode="numeric" autocomplete="one-time-code" pattern="[0-9 ]{6,7}" required autofocus />
          </label>
          <label>
            {say("formerPassword")}
            <input name="password" type="password" autocomplete="current-password" required />
          </label>
        </Asking>
      )}
    </>
  );
}
