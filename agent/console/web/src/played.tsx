// A clip that is played with what the agent saw in it: boxes, numbers and the state of the incident, drawn over the very picture
// that is shown; picture by picture, slower or quicker.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Clip, Detail } from "./api";
import { draw } from "./overlay";
import { type Sight, sightAt, sightsOf } from "./sights";
import { Steps } from "./steps";
import type { GoingOn, Seen, Track } from "./watch";
import { useWords } from "./words";

/** What is told of the incident over its clip. */
export interface Marks {
  id: string;
  clip: Clip;
  detail: Detail;
  title: (violation: string) => string;
}

interface Props {
  src: string;
  word: string;
  marks: Marks | undefined;
  onUnplayable: () => void;
}

export function Played({ src, word, marks, onUnplayable }: Props) {
  const say = useWords();
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [sights, setSights] = useState<Sight[]>();
  const [isMarked, setIsMarked] = useState(true);
  const file = marks?.clip.sights;
  useEffect(() => {
    if (!marks || !file) return;
    void sightsOf(`/incidents/${encodeURIComponent(marks.id)}/files/${encodeURIComponent(file)}`).then(setSights, () => {});
  }, [marks?.id, file]);

  const frameS = marks && marks.clip.access_units > 1 ? (marks.clip.to.seconds - marks.clip.from.seconds) / marks.clip.access_units : 0.1;
  const latest = useRef({ say, marks, sights, isMarked });
  latest.current = { say, marks, sights, isMarked };
  const show = (atS: number) => {
    const { marks, sights, isMarked, say } = latest.current;
    if (!canvas.current || !video.current || !marks) return;
    const { videoWidth, videoHeight } = video.current;
    const seen = isMarked && sights && videoWidth ? seenAt(sights, atS * 1000, [videoWidth, videoHeight], marks) : null;
    canvas.current.dataset.boxes = String(draw(canvas.current, seen, say, marks.title));
  };
  useEffect(() => show(video.current?.currentTime ?? 0), [sights, isMarked]);
  useEffect(() => {
    const of = video.current;
    if (!of || !file || !("requestVideoFrameCallback" in of)) return;
    let turn = 0;
    const next = () => {
      turn = of.requestVideoFrameCallback((_, shown) => {
        show(shown.mediaTime);
        next();
      });
    };
    next();
    const resized = new ResizeObserver(() => show(of.currentTime));
    resized.observe(of);
    return () => {
      of.cancelVideoFrameCallback(turn);
      resized.disconnect();
    };
  }, [file]);
  const step = (by: number) => {
    if (!video.current) return;
    video.current.pause();
    video.current.currentTime = Math.max(0, video.current.currentTime + by * frameS);
  };
  // A browser that knows the container and not the coding plays without a picture.
  const look = (event: { currentTarget: HTMLVideoElement }) => event.currentTarget.videoWidth === 0 && onUnplayable();
  return (
    <div class="played">
      <div class="screen">
        <video ref={video} src={src} controls autoplay muted playsInline aria-label={word} onError={onUnplayable} onLoadedMetadata={look} />
        {file && <canvas ref={canvas} class="boxes" aria-hidden="true" />}
      </div>
      <div class="paces" role="toolbar" aria-label={word}>
        {file && (
          <button aria-pressed={isMarked} onClick={() => setIsMarked(!isMarked)}>
            {say("boxes")}
          </button>
        )}
        <Steps video={video} step={step} />
      </div>
    </div>
  );
}

/** What the agent saw at a time of the clip, with the incident as it stood then. */
function seenAt(sights: Sight[], atMs: number, size: [number, number], { id, clip, detail }: Marks): Seen {
  const { found, incident } = detail;
  const tracks = sightAt(sights, atMs).map(
    ({ box: [x0, y0, x1, y1], ...of }): Track => ({ ...of, box: [x0 * size[0], y0 * size[1], x1 * size[0], y1 * size[1]], is_lost: false, seen_ms: of.seen_ms ?? 0 }),
  );
  const nowUs = clip.from.seconds * 1e6 + atMs * 1000;
  const step = incident.history.filter((one) => one.at_us <= nowUs).at(-1);
  const subject = tracks.find((track) => track.id === incident.subject.track);
  const incidents: GoingOn[] =
    step && subject
      ? [{ id, state: step.state, violation: found.violation, zone: found.zone, track: subject.id, box: subject.box, for_ms: (nowUs - found.opened_us) / 1000 }]
      : [];
  return { camera: found.camera, at_us: nowUs, size_px: size, tracks, incidents };
}
