// One incident: what was seen, what was said, what became of it, whether the evidence holds, and what to do.
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import { type Case, type Detail, type Found, type Said, type Verification, fileOf, get, post } from "./api";
import { firstPicture, takeAhead } from "./ahead";
import { go } from "./app";
import { Again } from "./again";
import { Clip } from "./clip";
import { Redacted } from "./redacted";
import { Asking, Empty, Icon, Judgement, Outcome } from "./parts";
import { useToast } from "./toasts";
import { clock, pretty, size, span, useWords } from "./words";

interface Props {
  id: string;
  title: (violation: string) => string;
  canAct: boolean;
  /** The row of the queue; when it changes, the card is read anew. */
  news: Found | undefined;
  onJudge: (opinion: "true" | "false_alarm") => void;
  onMove: (by: number) => void;
  hasPrevious: boolean;
  hasNext: boolean;
}

type Asked = "hold" | "suppress" | "redact" | "again" | "escalate" | null;

/** The states from which somebody may have people told at once. */
const goesOn = ["confirmed", "warned", "observing", "persisted"];

export function Card(props: Props) {
  const { id, canAct, news } = props;
  const say = useWords();
  const toast = useToast();
  const [detail, setDetail] = useState<Detail | null>(() => takeAhead(id));
  const [problem, setProblem] = useState("");
  const [asking, setAsking] = useState<Asked>(null);
  const path = `/incidents/${encodeURIComponent(id)}`;

  const read = () => get<Detail>(path).then(setDetail, (error: unknown) => setProblem(say.why(error)));
  useEffect(() => void read(), [id, news?.updated_us, news?.opinion]);

  const mayEscalate = canAct && goesOn.includes(detail?.found.state ?? "") && !detail?.incident.case;
  const isHeld = detail?.evidence?.bundle.held ?? false;
  const done = async (deed: Promise<unknown>, word: string) => {
    try {
      await deed;
      toast(word);
      await read();
    } catch (error) {
      toast(say("failed", say.why(error)), true);
    }
    setAsking(null);
  };
  const take = (kind: "export" | "report") => {
    const address = `/api/v1${path}/${kind}${kind === "report" ? `?lang=${say.language}` : ""}`;
    if (kind === "report") open(address, "_blank", "noopener");
    else location.assign(address);
  };

  const tell = (stage: string) => void done(post(`${path}/case`, { stage }), say("caseTold", say.stage(stage)));

  useLayoutEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (!canAct || !detail || event.metaKey || event.ctrlKey || event.altKey) return;
      if (target.closest("input, select, textarea, dialog")) return;
      const ofEvidence: Record<string, () => void> = {
        h: () => setAsking("hold"),
        e: () => take("export"),
        x: () => setAsking("redact"),
        r: () => take("report"),
        ...(detail.found.count === 1 && { i: () => setAsking("suppress") }),
      };
      const key = event.key.toLowerCase();
      const ofCase = laterOf(detail).find((stage) => stageKeys[stage] === key);
      if (key === "u" && mayEscalate) {
        event.preventDefault();
        return setAsking("escalate");
      }
      const deed = ofCase ? () => tell(ofCase) : detail.evidence ? ofEvidence[key] : undefined;
      if (!deed) return;
      event.preventDefault();
      deed();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });

  if (problem) return <Empty icon="alert">{problem}</Empty>;
  const found = detail?.found ?? news;
  if (!found) return <div class="card" aria-busy="true" />;
  const heading = props.title(found.violation);
  // What the queue knows of it is shown at once.
  if (!detail) {
    return (
      <article class="card" aria-busy="true" aria-labelledby="card-title">
        <Head {...props} found={found} />
      </article>
    );
  }
  const { incident, evidence } = detail;
  const confirmed = evidence?.record?.clips.find((clip) => clip.moment === "confirmed" && clip.file.endsWith(".mp4"));
  // Who came into a warning that was just heard is not told the same again, and was warned all the same.
  const isCovered = incident.history.some((step) => step.cause === "covered_by_recent_warning");
  const warnings = found.warnings ? say("warningsPlayed", found.warnings) : say(isCovered ? "coveredWarning" : "noWarning");

  return (
    <article class="card" aria-labelledby="card-title">
      <Head {...props} found={found} />

      <Stage id={id} detail={detail} title={props.title} />

      <div class="deeds" role="toolbar" aria-label={heading}>
        {canAct ? (
          <>
            <button class={`yes ${found.opinion === "true" ? "is-on" : ""}`} onClick={() => props.onJudge("true")}>
              <Icon name="check" />
              {say("markTrue")}
              <kbd>T</kbd>
            </button>
            <button class={`no ${found.opinion === "false_alarm" ? "is-on" : ""}`} onClick={() => props.onJudge("false_alarm")}>
              <Icon name="cross" />
              {say("markFalse")}
              <kbd>F</kbd>
            </button>
            {mayEscalate && (
              <button onClick={() => setAsking("escalate")}>
                <Icon name="alert" />
                {say("escalateNow")}
                <kbd>U</kbd>
              </button>
            )}
            {evidence && (
              <>
                <span class="gap" />
                <button onClick={() => setAsking("hold")} class={isHeld ? "is-on" : ""}>
                  <Icon name="lock" />
                  {say(isHeld ? "release" : "hold")}
                  <kbd>H</kbd>
                </button>
                <button onClick={() => take("export")}>
                  <Icon name="down" />
                  {say("export")}
                  <kbd>E</kbd>
                </button>
                <button onClick={() => setAsking("redact")}>
                  <Icon name="veil" />
                  {say("redacted")}
                  <kbd>X</kbd>
                </button>
                {confirmed && (
                  <button onClick={() => setAsking("again")}>
                    <Icon name="again" />
                    {say("decideAgain")}
                  </button>
                )}
                <button onClick={() => take("report")}>
                  <Icon name="page" />
                  {say("report")}
                  <kbd>R</kbd>
                </button>
                {found.count === 1 && (
                  <button onClick={() => setAsking("suppress")}>
                    <Icon name="eyeOff" />
                    {say("suppress")}
                    <kbd>I</kbd>
                  </button>
                )}
              </>
            )}
          </>
        ) : (
          <p class="muted">{say("viewerOnly")}</p>
        )}
      </div>

      <div class="columns">
        <section>
          <h3>{say("timeline")}</h3>
          <p class="muted">{warnings}</p>
          {incident.warning_not_delivered && <p class="notice">{say("notDelivered")}</p>}
          <ol class="timeline">
            {incident.history.map((step, n) => (
              <li key={n} class={`is-${step.state}`}>
                <span class="dot" />
                <div>
                  <strong>{step.cause === "playback_proven" ? say("heard") : say.step(step.state)}</strong>
                  <small>{say.cause(step.cause)}</small>
                  {step.tried?.map((tried, i) => (
                    <small key={i} title={[tried.receipt?.sent, tried.receipt?.answer].filter(Boolean).join(" → ")}>
                      {say.tried(tried)}
                    </small>
                  ))}
                </div>
                <time dateTime={step.at} title={step.at}>
                  {n === 0 ? clock(step.at_us, say.language) : `+${span(step.at_us - found.opened_us)}`}
                </time>
              </li>
            ))}
          </ol>
          <Words path={path} said={detail.said} />
          {(incident.case ?? found.state === "escalated") && (
            <Steps of={incident.case} later={canAct ? laterOf(detail) : []} onTell={tell} />
          )}
        </section>
        <section>
          <h3>{say("evidence")}</h3>
          <Verdict path={path} seal={evidence?.bundle.seal ?? null} />
          {evidence && (
            <p class="muted">
              {size(evidence.bundle.bytes)}
              {isHeld && (
                <span class="badge">
                  <Icon name="lock" /> {say("held")}
                </span>
              )}
            </p>
          )}
          {evidence?.record?.missing.map((gap) => (
            <p key={gap.what} class="muted">
              {say("missing")}: {say.told(gap.what)} — {say.told(gap.why)}
            </p>
          ))}
          {(incident.findings ?? []).length > 0 && (
            <dl class="facts">
              {incident.findings?.map((finding) => (
                <div key={finding.attribute}>
                  <dt>{pretty(finding.attribute)}</dt>
                  <dd>
                    {finding.text ?? finding.verdict}
                    {finding.fly_within_m !== undefined &&
                      ` — ${say("flyCloser")}: ≤ ${Math.floor(finding.fly_within_m)} m`}
                  </dd>
                </div>
              ))}
            </dl>
          )}
          <p class="muted id">{id}</p>
        </section>
      </div>

      {asking === "again" && confirmed && <Again id={id} clip={confirmed} onClose={() => setAsking(null)} />}
      {asking === "redact" && <Redacted path={path} onClose={() => setAsking(null)} />}
      {asking === "hold" && (
        <Reason
          title={say(isHeld ? "release" : "hold")}
          onClose={() => setAsking(null)}
          onSay={(why) =>
            void done(post(`${path}/${isHeld ? "release" : "hold"}`, { why }), say(isHeld ? "isReleased" : "isHeld"))
          }
        />
      )}
      {asking === "escalate" && (
        <Asking
          title={say("escalateNow")}
          word={say("escalateNow")}
          onClose={() => setAsking(null)}
          onSay={(form) => void done(post(`${path}/case`, { stage: "sent", note: String(form.get("note")) }), say("isEscalated"))}
        >
          <p class="muted">{say("escalateHint")}</p>
          <label>
            {say("note")}
            <input name="note" maxLength={500} autofocus />
          </label>
        </Asking>
      )}
      {asking === "suppress" && (
        <Pass
          onClose={() => setAsking(null)}
          onSay={(days, note) => void done(post(`${path}/suppress`, { days, note }), say("isSuppressed"))}
        />
      )}
    </article>
  );
}

/** What it is, and the way to its neighbours. */
function Head(props: Props & { found: Found }) {
  const { found } = props;
  const say = useWords();
  return (
    <header>
      <button class="only-narrow" aria-label={say("back")} onClick={() => go("/incidents")}>
        <Icon name="back" />
      </button>
      <div>
        <h2 id="card-title">{props.title(found.violation)}</h2>
        <p class="muted">
          {found.camera} · {pretty(found.zone)} · {clock(found.opened_us, say.language, true)}
        </p>
      </div>
      <span class="marks">
        <Outcome outcome={found.outcome} />
        <Judgement opinion={found.opinion} />
      </span>
      <span class="moves">
        <button aria-label={say("previous")} title="K" disabled={!props.hasPrevious} onClick={() => props.onMove(-1)}>
          <Icon name="back" />
        </button>
        <button aria-label={say("next")} title="J" disabled={!props.hasNext} onClick={() => props.onMove(1)}>
          <Icon name="forward" />
        </button>
      </span>
    </header>
  );
}

/** The clip or a picture, large, and all of them to choose from. */
function Stage({ id, detail, title }: { id: string; detail: Detail; title: (violation: string) => string }) {
  const say = useWords();
  const record = detail.evidence?.record;
  const clips = record?.clips ?? [];
  const shots = record?.snapshots ?? [];
  const closeups = record?.closeups ?? [];
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = chosen ?? firstPicture(detail) ?? clips[0]?.file;
  if (!shown) return null;
  const all = [
    ...shots.map((shot) => ({ file: shot.marked_file, word: say.step(shot.moment), isClip: false })),
    ...closeups.map((one) => ({ file: one.file, word: pretty(one.attribute), isClip: false })),
    ...clips.map((clip) => ({ file: clip.file, word: `${say("clip")}: ${say.step(clip.moment)}`, isClip: true })),
  ];
  const now = all.find((one) => one.file === shown);
  const clip = clips.find((one) => one.file === shown);
  return (
    <div class="stage">
      <div class="large">
        {shown.endsWith(".age") ? (
          <p class="muted">
            {say("isSealedToKey")}{" "}
            <a href={fileOf(id, shown)} download={shown}>
              {shown}
            </a>
          </p>
        ) : now?.isClip ? (
          <Clip key={shown} id={id} file={shown} word={now.word} marks={clip && { id, clip, detail, title }} />
        ) : (
          <img key={shown} src={fileOf(id, shown)} alt={now?.word ?? ""} />
        )}
      </div>
      <div class="strip" role="group" aria-label={say("evidence")}>
        {all.map((one) => (
          <button key={one.file} aria-pressed={one.file === shown} onClick={() => setChosen(one.file)}>
            {one.isClip || one.file.endsWith(".age") ? <span class={one.isClip ? "play" : ""} aria-hidden="true" /> : <img src={fileOf(id, one.file)} alt="" loading="lazy" />}
            <span>{one.word}</span>
          </button>
        ))}
      </div>
    </div>
  );
}

/** What loudspeakers said, to be read and heard again. */
function Words({ path, said }: { path: string; said: Said[] }) {
  const say = useWords();
  if (!said.length) return null;
  return (
    <>
      <h3>{say("announcements")}</h3>
      <ol class="said">
        {said.map((one, n) => (
          <li key={n}>
            <blockquote lang={one.language === "zh" ? "zh-CN" : "en"}>{one.text || one.sound}</blockquote>
            <small class="muted">
              {one.speaker}
              {one.text && one.sound ? ` · ${one.sound}` : ""}
            </small>
            <audio controls preload="none" src={`/api/v1${path}/said/${n + 1}`} aria-label={say("hearIt", one.text || (one.sound ?? ""))} />
          </li>
        ))}
      </ol>
      <small class="muted">{say("saidHint")}</small>
    </>
  );
}

const ORDER = ["sent", "received", "assigned", "called_back", "on_site", "settled", "rejected"];
/** The stages of a case that are told by a key. */
export const stageKeys: Record<string, string> = { received: "a", on_site: "o", settled: "s" };

/** The stages that may follow; none of what was not escalated. */
function laterOf({ found, incident }: Detail): string[] {
  if (!incident.case && found.state !== "escalated") return [];
  const stage = incident.case?.stage ?? "sent";
  return stage === "settled" || stage === "rejected" ? [] : ORDER.slice(ORDER.indexOf(stage) + 1);
}

/** What people do about it: the steps so far, and the buttons of those that may follow. */
function Steps(props: { of: Case | undefined; later: string[]; onTell: (stage: string) => void }) {
  const say = useWords();
  const steps = props.of?.steps ?? [];
  const begun = steps[0]?.at_us ?? 0;
  return (
    <>
      <h3>{say("case")}</h3>
      <p class="muted">
        {props.of?.with && say("caseWith", props.of.with)}
        {props.of?.with && props.of.due && " · "}
        {props.of?.due && say("caseDue", clock(Date.parse(props.of.due) * 1000, say.language))}
      </p>
      <ol class="timeline">
        {steps.map((step, n) => (
          <li key={n} class={`is-${step.stage}`}>
            <span class="dot" />
            <div>
              <strong>{say.stage(step.cause in { limit_passed: 1, handed_on: 1, nobody_left: 1 } ? step.cause : step.stage)}</strong>
              <small>{[step.by, step.to && `→ ${step.to}`, step.note].filter(Boolean).join(" · ")}</small>
            </div>
            <time dateTime={step.at} title={step.at}>
              {n === 0 ? clock(step.at_us, say.language) : `+${span(step.at_us - begun)}`}
            </time>
          </li>
        ))}
      </ol>
      {props.later.length > 0 && (
        <div class="deeds" role="toolbar" aria-label={say("case")}>
          {props.later.map((next) => (
            <button key={next} onClick={() => props.onTell(next)}>
              {say.stage(next)}
              {stageKeys[next] && <kbd>{stageKeys[next].toUpperCase()}</kbd>}
            </button>
          ))}
        </div>
      )}
    </>
  );
}

function Verdict({ path, seal }: { path: string; seal: number | null }) {
  const say = useWords();
  const [found, setFound] = useState<Verification | null>(null);
  useEffect(() => {
    setFound(null);
    void get<Verification>(`${path}/verification`).then(setFound, () => setFound({ verdict: "not checked" }));
  }, [path, seal]);
  if (!found) return <p class="verdict">{say("checking")}</p>;
  const word = {
    intact: "intact",
    "not intact": "notIntact",
    unsealed: "unsealed",
    "not checked": "notChecked",
    "nothing kept": "nothingKept",
  } as const;
  const kind = found.verdict === "intact" ? "good" : found.verdict === "not intact" || found.verdict === "not checked" ? "bad" : "";
  return (
    <div class={`verdict ${kind}`}>
      <Icon name={kind === "bad" ? "alert" : "shield"} />
      <div>
        <strong>{say(word[found.verdict])}</strong>
        {found.words && (
          <details>
            <summary>{say("details")}</summary>
            <pre tabIndex={0}>{say.told(found.words)}</pre>
          </details>
        )}
      </div>
    </div>
  );
}

function Reason(props: { title: string; onClose: () => void; onSay: (why: string) => void }) {
  const say = useWords();
  return (
    <Asking title={props.title} onClose={props.onClose} onSay={(form) => props.onSay(String(form.get("why")))}>
      <label>
        {say("why")}
        <input name="why" required maxLength={500} autofocus />
      </label>
      <small class="muted">{say("holdHint")}</small>
    </Asking>
  );
}

function Pass(props: { onClose: () => void; onSay: (days: number, note: string) => void }) {
  const say = useWords();
  return (
    <Asking
      title={say("suppress")}
      word={say("save")}
      onClose={props.onClose}
      onSay={(form) => props.onSay(Number(form.get("days")), String(form.get("note")))}
    >
      <p class="muted">{say("suppressHint")}</p>
      <label>
        {say("days")}
        <input name="days" type="number" min={1} max={3650} value={365} required autofocus />
      </label>
      <label>
        {say("note")}
        <input name="note" maxLength={500} />
      </label>
    </Asking>
  );
}
