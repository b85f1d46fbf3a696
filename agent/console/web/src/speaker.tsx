// A loudspeaker is heard, and then made.
import { useState } from "preact/hooks";
import { Choice } from "./parts";
import { isName } from "./shapes";
import { sound } from "./talk";
import { useToast } from "./toasts";
import { useWords } from "./words";

type Kind = "local" | "camera" | "rtp";

/** `onMade` is told the loudspeaker as a change of the site file takes it. */
export function AddSpeaker({ camera, onMade }: { camera: string; onMade: (speaker: { id: string; kind: unknown }) => void }) {
  const say = useWords();
  const toast = useToast();
  const [kind, setKind] = useState<Kind>("local");
  const [id, setId] = useState("");
  const [address, setAddress] = useState("");
  const kinds = { local: "local", camera: { camera: { camera } }, rtp: { rtp: { address } } };
  const speaker = { id, kind: kinds[kind] };
  const isReady = isName(id) && (kind !== "rtp" || address.includes(":"));
  return (
    <form
      class="steps panel"
      aria-label={say("addSpeaker")}
      onSubmit={(event) => {
        event.preventDefault();
        onMade(speaker);
      }}
    >
      <Choice
        name="kind"
        label={say("speakerKind")}
        value={kind}
        of={[
          ["local", say("speakerLocal")],
          ["camera", say("speakerCamera")],
          ["rtp", say("speakerRtp")],
        ]}
        onPick={(value) => setKind(value as Kind)}
      />
      <label>
        {say("shapeName")}
        <input name="speaker-id" value={id} required autocomplete="off" autocapitalize="none" spellcheck={false} aria-invalid={id !== "" && !isName(id)} onInput={(event) => setId(event.currentTarget.value)} />
      </label>
      {kind === "rtp" && (
        <label>
          {say("speakerAddress")}
          <input name="speaker-address" value={address} required autocomplete="off" placeholder="192.168.1.30:5004" onInput={(event) => setAddress(event.currentTarget.value)} />
        </label>
      )}
      <p class="buttons start">
        <button type="button" disabled={!isReady} onClick={() => void sound("/site/hear", { speaker, say: { text: say("testText"), language: say.language } }, id, say, toast)}>
          {say("hearTest")}
        </button>
        <button class="primary" disabled={!isReady}>
          {say("addAndUse")}
        </button>
      </p>
      <small class="muted">{say("speakerHint")}</small>
    </form>
  );
}
