// Plays a camera by WebRTC: for browsers without Media Source, and for whoever chooses it. The agent takes what the browser's own
// offer says it plays, and sends the camera's pictures as they are.
import { type Both, Refused, hangUp, offerCall } from "./api";
import { agentNowUs } from "./watch";

/** The browser's own addresses are waited for so long; the agent can do without them. */
const GATHER_MS = 300;
/** Pictures are held back for so long: what the agent sees in one is told a little after it, and is to be drawn over it. */
const BUFFER_MS = 180;
/** The first picture is there by then, or packets do not get through. */
const FIRST_MS = 10_000;
/** Without a picture for so long it is begun anew. */
const STUCK_MS = 4000;
/** It is begun anew after so long. */
const AGAIN_MS = 2000;
/** The time of packets counts so many a second, and so far. */
const [TICKS_S, TICKS] = [90_000, 2 ** 32];
const WRAP_US = (TICKS / TICKS_S) * 1e6;

export const canCall = () => "RTCPeerConnection" in globalThis && "requestVideoFrameCallback" in HTMLVideoElement.prototype;

export class Call {
  private peer: RTCPeerConnection | null = null;
  private location = "";
  private originUs = 0;
  private hasShown = false;
  private shownAt = performance.now();
  private watchdog: number;
  private again = 0;
  private isClosed = false;

  constructor(
    private camera: string,
    private isSmall: boolean,
    private video: HTMLVideoElement,
    private onShown: (atUs: number, displayAtMs: number) => void,
    /** It is lost for now, and comes back by itself. */
    private onLost: () => void,
    /** It does not work, and why; null where nothing gets through. */
    private onRefused: (why: Both | null) => void,
  ) {
    this.watchdog = window.setInterval(() => this.look(), 500);
    this.await();
    void this.begin();
  }

  close() {
    this.isClosed = true;
    clearInterval(this.watchdog);
    clearTimeout(this.again);
    this.hangUp();
    this.video.srcObject = null;
  }

  private async begin() {
    this.shownAt = performance.now();
    this.hasShown = false;
    const peer = (this.peer = new RTCPeerConnection());
    const { receiver } = peer.addTransceiver("video", { direction: "recvonly" });
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = BUFFER_MS;
    peer.ontrack = ({ track }) => {
      this.video.srcObject = new MediaStream([track]);
      void this.video.play().catch(() => {});
    };
    peer.onconnectionstatechange = () => {
      if (peer === this.peer && ["failed", "closed"].includes(peer.connectionState)) this.lost();
    };
    try {
      await peer.setLocalDescription();
      await gathered(peer);
      const answer = await offerCall(this.camera, this.isSmall, peer.localDescription?.sdp ?? "");
      if (this.isClosed || peer !== this.peer) return hangUp(answer.location);
      [this.location, this.originUs] = [answer.location, answer.originUs];
      await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    } catch (error) {
      if (this.isClosed || peer !== this.peer) return;
      // The camera is away, or the agent; both may be back soon.
      if (error instanceof Refused && error.status !== 409 && error.status !== 401) this.refused(error.why);
      else this.lost();
    }
  }

  private hangUp() {
    this.peer?.close();
    this.peer = null;
    if (this.location) hangUp(this.location);
    this.location = "";
  }

  private lost() {
    this.hangUp();
    this.onLost();
    clearTimeout(this.again);
    this.again = window.setTimeout(() => void this.begin(), AGAIN_MS);
  }

  private refused(why: Both | null) {
    this.close();
    this.onRefused(why);
  }

  private look() {
    if (document.visibilityState !== "visible" || !this.peer) this.shownAt = performance.now();
    const silentMs = performance.now() - this.shownAt;
    if (this.hasShown && silentMs > STUCK_MS) this.lost();
    else if (!this.hasShown && silentMs > FIRST_MS) this.refused(null);
  }

  private await() {
    this.video.requestVideoFrameCallback((_, shown) => {
      if (this.isClosed) return;
      this.await();
      const source = this.peer?.getReceivers()[0]?.getSynchronizationSources()[0];
      const ticks = shown.rtpTimestamp ?? source?.rtpTimestamp;
      if (ticks === undefined) return;
      [this.hasShown, this.shownAt] = [true, performance.now()];
      this.onShown(this.instant(ticks), shown.expectedDisplayTime);
    });
  }

  /** When a picture was taken: rounded up by less than a tick, for the agent rounds down. */
  private instant(ticks: number): number {
    const atUs = this.originUs + Math.ceil(((ticks + 1) * 1e6) / TICKS_S);
    const nowUs = agentNowUs() ?? atUs;
    return atUs + Math.round((nowUs - atUs) / WRAP_US) * WRAP_US;
  }
}

async function gathered(peer: RTCPeerConnection) {
  if (peer.iceGatheringState === "complete") return;
  await new Promise<void>((done) => {
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && done();
    setTimeout(done, GATHER_MS);
  });
}
