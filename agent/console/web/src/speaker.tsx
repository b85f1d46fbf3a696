// A loudspeaker is heard, and then made.
import { useState } from "preact/hooks";
import { Choice, Field } from "./parts";
import { isName } from "./shapes";
import { sound } from "./talk";
import { useToast } from "./toasts";
import { type Say, useWords } from "./words";

/** An address to which RTP is sent: that of a host, and its port. */
const RTP = /^((?:\d{1,3}\.){3}\d{1,3}|\[[\da-f:.]+\]):(\d{1,5})$/i;
const isAddress = (text: string) => {
  const port = Number(RTP.exec(text)?.[2] ?? 0);
  return port > 0 && port < 65_536;
};
/** What is wrong with an address, and what would do; nothing while none is there. */
function wrongWith(address: string, say: Say): string {
  if (!address || isAddress(address)) return "";
  const whole = `${address.replace(/:$/, "")}:5004`;
  return isAddress(whole) ? say("speakerNoPort", whole) : say("speakerWrong");
}

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
  const isReady = isName(id) && (kind !== "rtp" || isAddress(address));
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
      <Field
        label={say("shapeName")}
        hint={say("cameraNameHint")}
        wrong={id !== "" && !isName(id) && say("nameWrong")}
        name="speaker-id"
        value={id}
        required
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        onInput={(event) => setId(event.currentTarget.value)}
      />
      {kind === "rtp" && (
        <Field
          label={say("speakerAddress")}
          hint={say("speakerAddressHint")}
          wrong={wrongWith(address, say)}
          name="speaker-address"
          value={address}
          required
          autocomplete="off"
          placeholder="192.168.1.30:5004"
          onInput={(event) => setAddress(event.currentTarget.value)}
        />
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
