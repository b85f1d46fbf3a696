// A microphone while somebody speaks into it, as a WAV file of what he said.

/** The agent plays what is sampled so, and takes nothing that lasts longer. */
const rateHz = 16_000;
export const longestS = 30;

export interface Recording {
  /** Ends it, and has what was said. */
  stop: () => Promise<Blob>;
}

/** Whether this browser lets the page hear a microphone: over HTTPS, or on the box itself. */
export const canRecord = () => Boolean(navigator.mediaDevices) && "MediaRecorder" in globalThis;

export async function record(): Promise<Recording> {
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, noiseSuppression: true, autoGainControl: true } });
  const recorder = new MediaRecorder(microphone);
  const pieces: Blob[] = [];
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  recorder.start();
  const stopped = new Promise<void>((done) => (recorder.onstop = () => done()));
  return {
    stop: async () => {
      if (recorder.state !== "inactive") recorder.stop();
      await stopped;
      // Nobody is heard any longer than he holds the button.
      for (const track of microphone.getTracks()) track.stop();
      const coded = await new Blob(pieces).arrayBuffer();
      const sound = await new OfflineAudioContext(1, 1, rateHz).decodeAudioData(coded);
      return new Blob([wav(sound.getChannelData(0).subarray(0, longestS * rateHz))], { type: "audio/wav" });
    },
  };
}

function wav(samples: Float32Array): ArrayBuffer {
  const bytes = new ArrayBuffer(44 + 2 * samples.length);
  const view = new DataView(bytes);
  const word = (at: number, text: string) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  word(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  word(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rateHz, true);
  view.setUint32(28, 2 * rateHz, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => view.setInt16(44 + 2 * i, Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), true));
  return bytes;
}
