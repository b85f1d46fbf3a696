// A clip as it was kept, or, where the browser cannot play that, a small copy that is made on demand, and a word about it.
import { useEffect, useState } from "preact/hooks";
import { fileOf, get, post } from "./api";
import { type Marks, Played } from "./played";
import { useWords } from "./words";

interface Progress {
  is: "none" | "running" | "done" | "failed";
  why?: string;
}

/** How often it is asked whether the copy is there. */
const EVERY_MS = 1000;

interface Props {
  id: string;
  file: string;
  word: string;
  marks: Marks | undefined;
}

export function Clip(props: Props) {
  const [isPlayable, setIsPlayable] = useState(true);
  if (!isPlayable) return <Preview {...props} />;
  return <Played src={fileOf(props.id, props.file)} word={props.word} marks={props.marks} onUnplayable={() => setIsPlayable(false)} />;
}

function Preview({ id, file, word, marks }: Props) {
  const say = useWords();
  const path = `/incidents/${encodeURIComponent(id)}/preview`;
  const [progress, setProgress] = useState<Progress>({ is: "none" });
  const failed = (error: unknown) => setProgress({ is: "failed", why: say.why(error) });
  const begin = () => void post<Progress>(path, null).then(setProgress, failed);
  useEffect(begin, [path]);
  const isRunning = progress.is === "running";
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => void get<Progress>(path).then(setProgress, failed), EVERY_MS);
    return () => clearInterval(timer);
  }, [isRunning, path]);
  if (progress.is === "done")
    return (
      <div class="previewed">
        <Played src={`/api/v1${path}/${encodeURIComponent(file)}`} word={`${word}, ${say("preview")}`} marks={marks} onUnplayable={() => setProgress({ is: "failed" })} />
        <p class="notice" role="status">{say("previewHint")}</p>
      </div>
    );
  return (
    <div class="unplayed" role="status">
      <p>{say(progress.is === "failed" ? "previewFailed" : "previewMade", progress.why ?? "")}</p>
      {progress.is === "failed" && <button onClick={begin}>{say("again")}</button>}{" "}
      <a href={fileOf(id, file)} download={file}>
        {file}
      </a>
    </div>
  );
}
