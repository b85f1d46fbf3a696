// A camera is added after a look at what it shows; then it is said what is looked for in its zones, and who speaks there.
import { useEffect, useState } from "preact/hooks";
import { type Camera, get, picture } from "./api";
import { go } from "./app";
import { FindCameras } from "./find";
import { Choice, Field, Icon } from "./parts";
import { useSaving } from "./saving";
import { isName } from "./shapes";
import { AddSpeaker } from "./speaker";
import { useToast } from "./toasts";
import { hear } from "./talk";
import type { Rule } from "./try_out";
import { pretty, useWords } from "./words";

const readCameras = () => get<{ cameras: Camera[] }>("/cameras").then((told) => told.cameras);
/** What the site file says of cameras; their troubles come and go. */
const said = (cameras: Camera[]) => JSON.stringify(cameras.map(({ id, zones, rules, speakers }) => [id, zones, rules, speakers]));
const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** Whether a text can be the address of a video: a scheme, and something behind it. */
const isUrl = (text: string) => /^[a-z][a-z0-9+.-]*:\/\/\S/i.test(text);

export function AddCamera({ onAdded }: { onAdded: (cameras: Camera[]) => void }) {
  const say = useWords();
  const toast = useToast();
  const [camera, setCamera] = useState({ id: "", url: "", user: "", password: "" });
  const [shown, setShown] = useState<string | null>(null);
  const [isLooking, setIsLooking] = useState(false);
  const saving = useSaving(readCameras, (cameras) => {
    onAdded(cameras);
    go(`/cameras/${encodeURIComponent(camera.id)}/draw`);
  }, said);
  useEffect(() => () => void (shown && URL.revokeObjectURL(shown)), [shown]);
  const field = (name: keyof typeof camera, type = "text") => ({
    name,
    type,
    value: camera[name],
    autocapitalize: "none" as const,
    spellcheck: false,
    onInput: (event: { currentTarget: HTMLInputElement }) => {
      const { value } = event.currentTarget;
      setCamera((before) => ({ ...before, [name]: value }));
      setShown(null);
    },
  });
  const look = async (at = camera) => {
    setIsLooking(true);
    setShown(null);
    try {
      setShown(URL.createObjectURL(await picture("/site/look", at)));
    } catch (error) {
      toast(say("failed", say.why(error)), true);
    }
    setIsLooking(false);
  };
  const isReady = isName(camera.id) && isUrl(camera.url);
  return (
    <section class="view" aria-labelledby="add-title">
      <header>
        <h1 id="add-title">{say("addCamera")}</h1>
        <button onClick={() => go("/cameras")}>
          <Icon name="back" />
          {say("back")}
        </button>
      </header>
      <FindCameras
        onPick={(picked) => {
          const taken = { ...picked, id: camera.id || picked.id };
          setCamera(taken);
          void look(taken);
        }}
      />
      <h2>{say("orByAddress")}</h2>
      <form
        class="steps"
        onSubmit={(event) => {
          event.preventDefault();
          void look();
        }}
      >
        <Field {...field("id")} label={say("shapeName")} hint={say("cameraNameHint")} wrong={camera.id !== "" && !isName(camera.id) && say("nameWrong")} autocomplete="off" required autofocus />
        <Field {...field("url")} label={say("address")} hint={say("addressHint")} wrong={camera.url !== "" && !isUrl(camera.url) && say("addressWrong")} autocomplete="off" required placeholder="rtsp://192.168.1.20:554/stream1" />
        <Field {...field("user")} label={say("cameraUser")} autocomplete="off" />
        <Field {...field("password", "password")} label={say("password")} hint={say("secretHint")} autocomplete="new-password" />
        <p class="buttons start">
          <button class={shown ? "" : "primary"} disabled={!isReady || isLooking}>
            {say(isLooking ? "looking" : "lookAtCamera")}
          </button>
          <button type="button" class={shown ? "primary" : ""} disabled={!isReady || isLooking} onClick={() => saving.look("/site/changes", { changes: [{ add_camera: camera }] })}>
            {say("lookAtChanges")}
          </button>
        </p>
      </form>
      {shown && <img class="found" src={shown} alt={say("lookAlt", camera.id)} />}
      {saving.dialog}
    </section>
  );
}

interface Choices {
  violations: { id: string; title: { en?: string; zh?: string } }[];
  speakers: string[];
}

export function SetUpCamera({ camera, onChanged }: { camera: Camera; onChanged: (cameras: Camera[]) => void }) {
  const say = useWords();
  const toast = useToast();
  const [choices, setChoices] = useState<Choices>({ violations: [], speakers: [] });
  const saving = useSaving(readCameras, onChanged, said);
  const [isAdding, setIsAdding] = useState(false);
  useEffect(() => {
    setIsAdding(false);
    get<Choices>("/site/choices").then(setChoices, (error: unknown) => toast(say("failed", say.why(error)), true));
  }, [camera.speakers.join(" ")]);
  const titles = new Map(choices.violations.map(({ id, title }) => [id, (say.language === "zh" ? title.zh ?? title.en : title.en ?? title.zh) ?? pretty(id)]));
  const change = (of: object, rule?: Rule) => saving.look("/site/changes", { changes: [of] }, rule && { camera: camera.id, changes: [of], rule });
  const zones: [string, string][] = [...camera.zones.map((zone): [string, string] => [zone.id, pretty(zone.id)]), ["whole", say("wholePicture")]];
  const add = (form: FormData) => {
    const of = (name: string) => String(form.get(name) ?? "");
    const on = days.filter((day) => form.get(day));
    const schedule = of("from") && of("to") ? { days: on, from: of("from"), to: of("to") } : undefined;
    const rule = { violation: of("violation"), zone: of("zone") };
    change({ add_rule: { camera: camera.id, ...rule, ...(schedule && { schedule }) } }, rule);
  };
  const others = choices.speakers.filter((id) => !camera.speakers.includes(id));
  const speakers = (list: string[]) => change({ set_speakers: { camera: camera.id, speakers: list } });
  return (
    <section class="view" aria-labelledby="set-title">
      <header>
        <h1 id="set-title">{say("watchedAt", camera.id)}</h1>
        <button onClick={() => go(`/cameras/${encodeURIComponent(camera.id)}`)}>
          <Icon name="back" />
          {say("back")}
        </button>
        <button onClick={() => go(`/cameras/${encodeURIComponent(camera.id)}/draw`)}>
          <Icon name="draw" />
          {say("draw")}
        </button>
      </header>
      <h2>{say("rules")}</h2>
      {camera.rules.length === 0 && <p class="notice">{say("noRules")}</p>}
      <ul class="lines rules">
        {camera.rules.map((rule) => (
          <li key={`${rule.violation}@${rule.zone}`}>
            <span>
              <strong>{titles.get(rule.violation) ?? pretty(rule.violation)}</strong> <small>{rule.zone === "whole" ? say("wholePicture") : pretty(rule.zone)}</small>
            </span>
            <button onClick={() => change({ remove_rule: { camera: camera.id, violation: rule.violation, zone: rule.zone } }, rule)}>{say("remove")}</button>
          </li>
        ))}
      </ul>
      <form
        class="steps panel"
        onSubmit={(event) => {
          event.preventDefault();
          add(new FormData(event.currentTarget));
        }}
      >
        <Choice name="violation" label={say("violation")} of={[...titles]} />
        <Choice name="zone" label={say("zone")} of={zones} />
        <label>
          {say("fromTime")}
          <input name="from" type="time" />
        </label>
        <label>
          {say("toTime")}
          <input name="to" type="time" />
        </label>
        <fieldset class="days">
          <legend>{say("onDays")}</legend>
          {days.map((day) => (
            <label key={day}>
              <input type="checkbox" name={day} />
              {say.day(day)}
            </label>
          ))}
        </fieldset>
        <small class="muted">{say("alwaysHint")}</small>
        <p class="buttons start">
          <button class="primary" disabled={!titles.size}>
            {say("addRule")}
          </button>
        </p>
      </form>
      <h2>{say("speakers")}</h2>
      {choices.speakers.length === 0 && <p class="notice">{say("noSpeakers")}</p>}
      <ul class="lines rules">
        {camera.speakers.map((id, n) => (
          <li key={id}>
            <span>
              <strong>{id}</strong> <small>{say(n ? "fallBack" : "triedFirst")}</small>
            </span>
            <button onClick={() => void hear(id, say("testText"), say, toast)}>{say("hearTest")}</button>
            <button onClick={() => speakers(camera.speakers.filter((other) => other !== id))}>{say("takeOut")}</button>
          </li>
        ))}
        {others.map((id) => (
          <li key={id}>
            <span>
              <strong>{id}</strong>
            </span>
            <button onClick={() => void hear(id, say("testText"), say, toast)}>{say("hearTest")}</button>
            <button class="primary" onClick={() => speakers([...camera.speakers, id])}>
              {say("useHere")}
            </button>
          </li>
        ))}
      </ul>
      {isAdding ? (
        <AddSpeaker
          camera={camera.id}
          onMade={(made) => saving.look("/site/changes", { changes: [{ add_speaker: made }, { set_speakers: { camera: camera.id, speakers: [...camera.speakers, made.id] } }] })}
        />
      ) : (
        <p>
          <button onClick={() => setIsAdding(true)}>{say("addSpeaker")}</button>
        </p>
      )}
      <p>
        <button onClick={saving.undo}>{say("undoSaved")}</button>
      </p>
      {saving.dialog}
    </section>
  );
}
