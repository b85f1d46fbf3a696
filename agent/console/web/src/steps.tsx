// Picture by picture through a clip, slower or quicker.
import type { ComponentChildren, RefObject } from "preact";
import { useWords } from "./words";

const speeds = [0.25, 0.5, 1, 2, 4];

interface Props {
  video: RefObject<HTMLVideoElement>;
  /** Goes on or back by so many pictures. */
  step: (by: number) => void;
  /** What stands between the steps and the speed. */
  children?: ComponentChildren;
}

export function Steps({ video, step, children }: Props) {
  const say = useWords();
  return (
    <>
      <button aria-label={`−1: ${say("frameBack")}`} onClick={() => step(-1)}>
        −1
      </button>
      <button aria-label={`+1: ${say("frameOn")}`} onClick={() => step(1)}>
        +1
      </button>
      {children}
      <select aria-label={say("speed")} onChange={(event) => video.current && (video.current.playbackRate = Number(event.currentTarget.value))}>
        {speeds.map((speed) => (
          <option key={speed} value={speed} selected={speed === 1}>
            {speed} ×
          </option>
        ))}
      </select>
    </>
  );
}
