// Which cameras an account or a token reaches: all of them, or those that are ticked.
import { useEffect, useState } from "preact/hooks";
import { type Camera, get } from "./api";
import { useWords } from "./words";

/** A part of a form; `limitOf` reads it. Names that are chosen and not there any more stay to be seen. */
export function CameraLimit({ chosen = null }: { chosen?: string[] | null }) {
  const say = useWords();
  const [cameras, setCameras] = useState<string[]>(chosen ?? []);
  const [isAll, setIsAll] = useState(chosen === null);
  useEffect(() => {
    get<{ cameras: Camera[] }>("/cameras").then(
      (told) => setCameras((known) => [...new Set([...told.cameras.map((camera) => camera.id), ...known])]),
      () => {},
    );
  }, []);
  return (
    <fieldset class="days">
      <legend>{say("cameras")}</legend>
      <label>
        <input type="checkbox" name="all-cameras" checked={isAll} onChange={(event) => setIsAll(event.currentTarget.checked)} />
        {say("allCameras")}
      </label>
      {!isAll &&
        cameras.map((id) => (
          <label key={id}>
            <input type="checkbox" name="camera" value={id} defaultChecked={chosen?.includes(id) ?? false} />
            {id}
          </label>
        ))}
      <small class="muted">{say("limitHint")}</small>
    </fieldset>
  );
}

/** The cameras that a form names; none where it is all of them. */
export const limitOf = (form: FormData): string[] | null => (form.get("all-cameras") ? null : form.getAll("camera").map(String));

/** How many cameras are reached, in words. */
export const useReach = () => {
  const say = useWords();
  return (cameras: string[] | null) => cameras?.join(", ") ?? say("allCameras");
};
