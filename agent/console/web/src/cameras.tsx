// The wall of cameras, and one of them large.
import { useEffect, useState } from "preact/hooks";
import { type Camera, type Role, get } from "./api";
import { go, namedBy } from "./app";
import { Draw } from "./draw";
import { Empty, Icon } from "./parts";
import { AddCamera, SetUpCamera } from "./setup";
import { Talk } from "./talk";
import { Tile } from "./tile";
import { useWords } from "./words";

/** The cameras are asked anew so often, for those that went or came. */
const LIST_EVERY_MS = 10_000;

/** A box without a camera, and what to do about it. */
export function NoCamera({ role }: { role: Role }) {
  const say = useWords();
  return (
    <Empty icon="cameras">
      {say("noCameras")}
      {role === "admin" && (
        <button class="primary" onClick={() => go("/cameras/+/add")}>
          {say("addFirst")}
        </button>
      )}
    </Empty>
  );
}

/** A camera that the site has not, or that the account does not reach, who is not told which. */
function NoSuchCamera({ id }: { id: string }) {
  const say = useWords();
  return (
    <section class="view" aria-labelledby="no-camera-title">
      <header>
        <h1 id="no-camera-title">{say("noSuchCamera")}</h1>
      </header>
      <Empty icon="cameras">
        {say("noSuchCameraHere", id)}
        <button class="primary" onClick={() => go("/cameras")}>
          {say("allCameras")}
        </button>
      </Empty>
    </section>
  );
}

export function Cameras({ path, role }: { path: string; role: Role }) {
  const say = useWords();
  const [cameras, setCameras] = useState<Camera[] | null>(null);
  const [showZones, setShowZones] = useState(true);
  const [showBoxes, setShowBoxes] = useState(true);
  const [isTalking, setIsTalking] = useState(false);
  const large = namedBy(path) || null;
  useEffect(() => {
    const read = () => void get<{ cameras: Camera[] }>("/cameras").then((told) => setCameras(told.cameras), () => {});
    read();
    const timer = setInterval(read, LIST_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const work = role === "admin" ? path.split("/")[3] : undefined;
  const one = cameras?.find((camera) => camera.id === large);
  if (role === "admin" && path === "/cameras/+/add") return <AddCamera onAdded={setCameras} />;
  if (one && work === "draw") return <Draw key={one.id} camera={one} />;
  if (one && work === "rules") return <SetUpCamera key={one.id} camera={one} onChanged={setCameras} />;
  if (cameras && large && !one) return <NoSuchCamera id={large} />;
  const shown = cameras?.filter((camera) => !large || camera.id === large) ?? [];
  return (
    <section class="view wide" aria-labelledby="cameras-title">
      <header>
        <h1 id="cameras-title">{large ?? say("cameras")}</h1>
        {large && (
          <button onClick={() => go("/cameras")}>
            <Icon name="back" />
            {say("all")}
          </button>
        )}
        {large && role === "admin" && (
          <button onClick={() => go(`/cameras/${encodeURIComponent(large)}/draw`)}>
            <Icon name="draw" />
            {say("draw")}
          </button>
        )}
        {large && role === "admin" && <button onClick={() => go(`/cameras/${encodeURIComponent(large)}/rules`)}>{say("watch")}</button>}
        {!large && role === "admin" && <button onClick={() => go("/cameras/+/add")}>{say("addCamera")}</button>}
        {role !== "viewer" && <button onClick={() => setIsTalking(true)}>{say("talk")}</button>}
        <button aria-pressed={showZones} onClick={() => setShowZones(!showZones)}>
          {say("zones")}
        </button>
        <button aria-pressed={showBoxes} onClick={() => setShowBoxes(!showBoxes)}>
          {say("boxes")}
        </button>
      </header>
      {isTalking && <Talk first={one?.speakers ?? []} onClose={() => setIsTalking(false)} />}
      {cameras?.length === 0 && <NoCamera role={role} />}
      <div class={`wall ${large ? "is-large" : ""}`}>
        {shown.map((camera) => (
          <Tile
            key={camera.id}
            camera={camera}
            showZones={showZones}
            showBoxes={showBoxes}
            isLarge={large !== null}
            onLarge={() => go(large ? "/cameras" : `/cameras/${encodeURIComponent(camera.id)}`)}
          />
        ))}
      </div>
    </section>
  );
}
