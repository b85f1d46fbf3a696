// Cameras that answer on the network, and the streams that one of them offers.
import { useState } from "preact/hooks";
import { post } from "./api";
import { Icon } from "./parts";
import { useWords } from "./words";

interface Found {
  address: string;
  name: string;
  model: string;
}

interface Stream {
  name: string;
  url: string;
  coding: string;
  size_px: [number, number];
}

export interface Picked {
  id: string;
  url: string;
  user: string;
  password: string;
}

const hostOf = (address: string) => new URL(address).host;
/** A name for the site file, made of what a camera calls itself. */
const idOf = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "").slice(0, 40);

export function FindCameras({ onPick }: { onPick: (picked: Picked) => void }) {
  const say = useWords();
  const [found, setFound] = useState<Found[] | null>(null);
  const [isFinding, setIsFinding] = useState(false);
  const [chosen, setChosen] = useState<Found | null>(null);
  const [streams, setStreams] = useState<Stream[]>([]);
  const [login, setLogin] = useState({ user: "", password: "" });
  const [problem, setProblem] = useState("");
  const doing = async (work: () => Promise<void>) => {
    setIsFinding(true);
    setProblem("");
    setStreams([]);
    await work().catch((error: unknown) => setProblem(say.why(error)));
    setIsFinding(false);
  };
  const find = () =>
    doing(async () => {
      setChosen(null);
      setFound((await post<{ cameras: Found[] }>("/site/cameras", {})).cameras);
    });
  const ask = (camera: Found) =>
    doing(async () => {
      setChosen(camera);
      setStreams((await post<{ streams: Stream[] }>("/site/streams", { address: camera.address, ...login })).streams);
    });
  const field = (name: keyof typeof login, type: string) => ({
    name: `camera-${name}`,
    type,
    value: login[name],
    autocomplete: type === "password" ? "new-password" : "off",
    onInput: (event: { currentTarget: HTMLInputElement }) => {
      const { value } = event.currentTarget;
      setLogin((before) => ({ ...before, [name]: value }));
    },
  });
  return (
    <section class="finding" aria-label={say("findCameras")}>
      <p class="buttons start">
        <button type="button" class={found ? "" : "primary"} disabled={isFinding} onClick={() => void find()}>
          <Icon name="search" />
          {say(isFinding && !chosen ? "finding" : "findCameras")}
        </button>
        <small class="muted">{say("findHint")}</small>
      </p>
      {found?.length === 0 && <p class="notice">{say("noneFound")}</p>}
      <ul class="lines rules">
        {found?.map((camera) => (
          <li key={camera.address}>
            <span>
              <strong>{camera.name || camera.model || hostOf(camera.address)}</strong>{" "}
              <small>
                {camera.model} {hostOf(camera.address)}
              </small>
            </span>
            <button type="button" aria-pressed={chosen === camera} disabled={isFinding} onClick={() => void ask(camera)}>
              {say("itsStreams")}
            </button>
          </li>
        ))}
      </ul>
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {chosen && !streams.length && !isFinding && (
        <form
          class="steps panel"
          onSubmit={(event) => {
            event.preventDefault();
            void ask(chosen);
          }}
        >
          <label>
            {say("cameraUser")}
            <input {...field("user", "text")} autocapitalize="none" spellcheck={false} />
          </label>
          <label>
            {say("password")}
            <input {...field("password", "password")} />
          </label>
          <p class="buttons start">
            <button class="primary">{say("askAgain")}</button>
          </p>
        </form>
      )}
      <ul class="lines rules">
        {streams.map((stream) => (
          <li key={stream.url}>
            <span>
              <strong>{stream.name}</strong>{" "}
              <small>
                {stream.coding} {stream.size_px.join("×")}
              </small>
            </span>
            <button type="button" class="primary" onClick={() => chosen && onPick({ id: idOf(chosen.name || chosen.model) || "camera", url: stream.url, ...login })}>
              {say("takeStream")}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
